package testbed;

import de.bwaldvogel.mongo.MongoCollection;
import de.bwaldvogel.mongo.backend.Index;
import de.bwaldvogel.mongo.backend.IndexKey;
import de.bwaldvogel.mongo.bson.Document;
import de.bwaldvogel.mongo.exception.KeyConstraintError;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Lets the queries of GridFS, {files_id} and {files_id, n: range}, use the unique index instead of a full scan. */
final class ChunkIndex extends Index<Object> {
    private final Index<Object> inner;

    ChunkIndex(Index<Object> inner, List<IndexKey> keys, boolean sparse) {
        super(inner.getName(), keys, sparse);
        this.inner = inner;
    }

    /** The Rust driver asks {files_id: {$eq: id}}. */
    private static Object file(Document query) {
        Object file = query.get("files_id");
        return file instanceof Document test && test.keySet().equals(Set.of("$eq")) ? test.get("$eq") : file;
    }

    /** First and last n asked for; null where only a full scan answers rightly. */
    private long[] range(Document query) {
        Object file = file(query);
        if (file == null || file instanceof Document || !Set.of("files_id", "n").containsAll(query.keySet())) {
            return null;
        }
        long first = 0;
        long last = Long.MAX_VALUE;
        if (query.containsKey("n")) {
            if (!(query.get("n") instanceof Document limits)) {
                return null;
            }
            for (Map.Entry<String, Object> limit : limits.entrySet()) {
                if (!(limit.getValue() instanceof Number number)) {
                    return null;
                }
                long n = number.longValue();
                switch (limit.getKey()) {
                    case "$gte" -> first = Math.max(first, n);
                    case "$gt" -> first = Math.max(first, n + 1);
                    case "$lte" -> last = Math.min(last, n);
                    case "$lt" -> last = Math.min(last, n - 1);
                    default -> {
                        return null;
                    }
                }
            }
        }
        return chunk(file, 0) == null ? null : new long[] {first, last};
    }

    private Object chunk(Object file, long n) {
        Document key = new Document("files_id", file);
        key.put("n", (int) n);
        return inner.getPosition(key);
    }

    @Override
    public boolean canHandle(Document query) {
        return inner.canHandle(query) || range(query) != null;
    }

    @Override
    public Iterable<Object> getPositions(Document query) {
        if (inner.canHandle(query)) {
            return inner.getPositions(query);
        }
        long[] range = range(query);
        List<Object> positions = new ArrayList<>();
        for (long n = range[0]; n <= range[1]; n++) {
            Object position = chunk(file(query), n);
            if (position == null) {
                break;
            }
            positions.add(position);
        }
        return positions;
    }

    @Override
    public Object getPosition(Document document) {
        return inner.getPosition(document);
    }

    @Override
    public void checkAdd(Document document, MongoCollection<Object> collection) {
        inner.checkAdd(document, collection);
    }

    @Override
    public void add(Document document, Object position, MongoCollection<Object> collection) {
        inner.add(document, position, collection);
    }

    @Override
    public Object remove(Document document) {
        return inner.remove(document);
    }

    @Override
    public long getCount() {
        return inner.getCount();
    }

    @Override
    public long getDataSize() {
        return inner.getDataSize();
    }

    @Override
    public void checkUpdate(Document before, Document after, MongoCollection<Object> collection) {
        inner.checkUpdate(before, after, collection);
    }

    @Override
    public void updateInPlace(Document before, Document after, Object position, MongoCollection<Object> collection)
            throws KeyConstraintError {
        inner.updateInPlace(before, after, position, collection);
    }

    @Override
    public void drop() {
        inner.drop();
    }

    @Override
    public boolean isUnique() {
        return true;
    }
}
