package testbed;

import de.bwaldvogel.mongo.MongoServer;
import java.nio.file.Files;
import java.nio.file.Path;
import org.h2.mvstore.MVStore;

/**
 * `MongoTestServer PORT FILE`: a MongoDB for tests, all in one H2 file. An answered write survives `kill -9`.
 * Environment: MONGO_BIND (127.0.0.1); MONGO_USER and MONGO_PASSWORD (then clients must log in);
 * MONGO_REPLSET (the name under which it is a replica set of one) and MONGO_ADVERTISED_HOST;
 * MONGO_FSYNC=1 (an answered write also survives the loss of power).
 */
public final class MongoTestServer {
    private MongoTestServer() {
    }

    static String setting(String name, String fallback) {
        String value = System.getenv(name);
        return value == null || value.isEmpty() ? fallback : value;
    }

    public static void main(String[] args) throws Exception {
        int port = Integer.parseInt(args[0]);
        String bind = setting("MONGO_BIND", "127.0.0.1");
        String name = bind.equals("0.0.0.0") ? Files.readString(Path.of("/proc/sys/kernel/hostname")).strip() : bind;
        int cache = (int) Math.min(256, Runtime.getRuntime().maxMemory() >> 22);
        MVStore store = new MVStore.Builder().fileName(args[1]).cacheSize(cache).open();
        Login login = new Login(setting("MONGO_USER", ""), setting("MONGO_PASSWORD", ""));
        MongoServer server = new MongoServer(new Backend(store, login, new ReplicaSet(store, name + ":" + port)));
        server.bind(bind, port);
        Runtime.getRuntime().addShutdownHook(new Thread(server::shutdownNow));
        System.out.println("Waiting for connections on " + bind + ":" + port);
        Thread.currentThread().join();
    }
}
