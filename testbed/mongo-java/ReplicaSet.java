package testbed;

import de.bwaldvogel.mongo.bson.Document;
import de.bwaldvogel.mongo.exception.MongoServerError;
import java.util.List;
import java.util.Map;
import org.h2.mvstore.MVStore;

/** The replica set of one that this server is from the start, where MONGO_REPLSET names it. It holds no elections. */
final class ReplicaSet {
    private final String name = MongoTestServer.setting("MONGO_REPLSET", "");
    private final String fixedHost = MongoTestServer.setting("MONGO_ADVERTISED_HOST", "");
    private final String ownHost;
    private final Map<String, String> kept;

    ReplicaSet(MVStore store, String ownHost) {
        this.ownHost = ownHost;
        this.kept = store.openMap("replicaSet");
    }

    private String host() {
        return fixedHost.isEmpty() ? kept.getOrDefault("host", ownHost) : fixedHost;
    }

    private void check() {
        if (name.isEmpty()) {
            throw new MongoServerError(76, "NoReplicationEnabled", "not running with --replSet");
        }
    }

    void describe(Document hello) {
        if (!name.isEmpty()) {
            hello.append("setName", name).append("setVersion", 1).append("secondary", false)
                    .append("hosts", List.of(host())).append("primary", host()).append("me", host());
        }
    }

    Document status() {
        check();
        Document member = new Document("_id", 0).append("name", host()).append("health", 1.0).append("state", 1)
                .append("stateStr", "PRIMARY").append("self", true);
        return new Document("set", name).append("myState", 1).append("members", List.of(member)).append("ok", 1.0);
    }

    /** Takes the host of the first member, as clients will be told to connect to it. */
    void initiate(Object config) {
        check();
        if (!(config instanceof Document document)) {
            return;
        }
        if (!name.equals(document.getOrDefault("_id", name))) {
            throw new MongoServerError(93, "InvalidReplicaSetConfig", "the name of this replica set is " + name);
        }
        if (document.get("members") instanceof List<?> members && !members.isEmpty()
                && members.get(0) instanceof Document member && member.get("host") instanceof String host) {
            kept.put("host", host);
        }
    }
}
