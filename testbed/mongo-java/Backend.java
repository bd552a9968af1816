package testbed;

import de.bwaldvogel.mongo.MongoDatabase;
import de.bwaldvogel.mongo.MongoVersion;
import de.bwaldvogel.mongo.backend.Index;
import de.bwaldvogel.mongo.backend.IndexKey;
import de.bwaldvogel.mongo.backend.QueryResult;
import de.bwaldvogel.mongo.backend.h2.H2Backend;
import de.bwaldvogel.mongo.backend.h2.H2Database;
import de.bwaldvogel.mongo.bson.Document;
import de.bwaldvogel.mongo.exception.MongoServerError;
import de.bwaldvogel.mongo.oplog.Oplog;
import de.bwaldvogel.mongo.wire.message.MongoQuery;
import io.netty.channel.Channel;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.ReadWriteLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.function.Supplier;
import org.h2.mvstore.MVStore;

/**
 * mongo-java-server over H2 files, closer to MongoDB: the handshake of a newer server, logins, one member of a replica set,
 * bounded batches, and a commit before each answer.
 */
final class Backend extends H2Backend {
    private static final Set<String> WRITES = Set.of("insert", "update", "delete", "findandmodify",
            "createindexes", "dropindexes", "create", "drop", "dropdatabase", "renamecollection");
    private static final Set<String> OPEN = Set.of("hello", "ismaster", "ping", "buildinfo", "saslstart", "saslcontinue");
    private final Login login;
    private final ReplicaSet set;
    private final Map<String, ReadWriteLock> locks = new ConcurrentHashMap<>();
    private final boolean fsync = MongoTestServer.setting("MONGO_FSYNC", "0").equals("1");

    Backend(MVStore store, Login login, ReplicaSet set) {
        super(store);
        this.login = login;
        this.set = set;
        // It reports wire version 8 at most, but the Rust driver wants 9 or more; 17 is MongoDB 6.0.
        version(new MongoVersion() {
            @Override
            public List<Integer> getVersionArray() {
                return List.of(6, 0, 0);
            }

            @Override
            public int getWireVersion() {
                return 17;
            }
        });
    }

    @Override
    public Document handleCommand(Channel channel, String database, String command, Document query) {
        try {
            return handle(channel, database, command, query);
        } catch (MongoServerError e) {
            throw e;
        } catch (RuntimeException e) { // the drivers want a code
            throw new MongoServerError(8, "UnknownError", String.valueOf(e.getMessage()), e);
        }
    }

    private Document handle(Channel channel, String database, String command, Document query) {
        String name = command.toLowerCase();
        if (!OPEN.contains(name)) {
            login.check(channel, command);
        }
        switch (name) {
            case "hello", "ismaster" -> {
                Document reply = super.handleCommand(channel, database, "ismaster", query);
                if (name.equals("hello")) {
                    reply.put("isWritablePrimary", true);
                }
                if (query.containsKey("saslSupportedMechs")) {
                    reply.put("saslSupportedMechs", List.of(Login.MECHANISM));
                }
                set.describe(reply);
                return reply;
            }
            case "saslstart" -> {
                return login.start(channel, database, query);
            }
            case "saslcontinue" -> {
                return login.proceed(channel, query);
            }
            case "replsetgetstatus" -> {
                return set.status();
            }
            case "replsetinitiate" -> {
                set.initiate(query.get(command));
                return committed(new Document("ok", 1.0));
            }
            default -> {
            }
        }
        if (name.equals("createindexes") && query.toString().contains("partialFilterExpression")) {
            // It would ignore the filter and so refuse documents that MongoDB takes.
            throw new MongoServerError(67, "CannotCreateIndex", "partial indexes are not supported here");
        }
        // It would answer everything in one batch, over the 48 MB that a message may have.
        if (name.equals("find")) {
            limitBatch(query, String.valueOf(query.get("find")));
        } else if (name.equals("getmore")) {
            limitBatch(query, String.valueOf(query.get("collection")));
        } else if (name.equals("aggregate") && query.get("cursor") instanceof Document cursor) {
            limitBatch(cursor, String.valueOf(query.get("aggregate")));
        }
        Document reply = whole(name, database, query, () -> super.handleCommand(channel, database, command, query));
        return WRITES.contains(name) ? committed(reply) : reply;
    }

    /**
     * It updates a document in place, field by field, and answers with the documents themselves: who reads at that moment would see
     * one half of an update, as no MongoDB shows it. Chunks are spared: they are large, and hardly ever updated.
     */
    private Document whole(String name, String database, Document query, Supplier<Document> command) {
        String collection = switch (name) {
            case "update", "delete", "find", "aggregate" -> String.valueOf(query.get(name));
            case "findandmodify" -> String.valueOf(query.values().iterator().next());
            case "getmore" -> String.valueOf(query.get("collection"));
            default -> "";
        };
        if (collection.isEmpty() || collection.endsWith(".chunks")) {
            return command.get();
        }
        ReadWriteLock documents = locks.computeIfAbsent(database + "." + collection, it -> new ReentrantReadWriteLock());
        Lock lock = WRITES.contains(name) ? documents.writeLock() : documents.readLock();
        lock.lock();
        try {
            return command.get().cloneDeeply();
        } finally {
            lock.unlock();
        }
    }

    private Document committed(Document reply) {
        getMvStore().commit(); // an answered write survives `kill -9`
        if (fsync) {
            getMvStore().sync();
        }
        return reply;
    }

    @Override
    public QueryResult handleQuery(MongoQuery query) {
        login.check(query.getChannel(), "query");
        return super.handleQuery(query);
    }

    @Override
    protected MongoDatabase openOrCreateDatabase(String name) {
        return new H2Database(name, getMvStore(), getCursorRegistry()) {
            @Override
            protected Index<Object> openOrCreateUniqueIndex(String collection, String index,
                    List<IndexKey> keys, boolean sparse) {
                Index<Object> inner = super.openOrCreateUniqueIndex(collection, index, keys, sparse);
                boolean chunks = keys.stream().map(IndexKey::getKey).toList().equals(List.of("files_id", "n"));
                return chunks ? new ChunkIndex(inner, keys, sparse) : inner;
            }

            /** The inherited one also removes every database whose name only begins with this one's. */
            @Override
            public void drop(Oplog oplog) {
                List<String> prefixes = List.of(name + ".", "databases." + name + ".", "meta." + name + ".");
                for (String map : getMvStore().getMapNames()) {
                    if (prefixes.stream().anyMatch(map::startsWith)) {
                        getMvStore().removeMap(map);
                    }
                }
            }
        };
    }

    private static void limitBatch(Document options, String collection) {
        int most = collection.endsWith(".chunks") ? 16 : 101;
        if (!(options.get("batchSize") instanceof Number asked) || asked.intValue() > most) {
            options.put("batchSize", most);
        }
    }
}
