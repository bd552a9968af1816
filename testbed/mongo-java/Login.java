package testbed;

import de.bwaldvogel.mongo.bson.BinData;
import de.bwaldvogel.mongo.bson.Document;
import de.bwaldvogel.mongo.exception.MongoServerError;
import io.netty.channel.Channel;
import io.netty.util.AttributeKey;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.text.Normalizer;
import java.util.Base64;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.crypto.Mac;
import javax.crypto.SecretKeyFactory;
import javax.crypto.spec.PBEKeySpec;
import javax.crypto.spec.SecretKeySpec;

/** SCRAM-SHA-256 (RFC 5802, RFC 7677) for the one user there may be, who is in `admin` and may do everything. */
final class Login {
    static final String MECHANISM = "SCRAM-SHA-256";
    private static final int ITERATIONS = 15_000;
    private static final Pattern FIRST = Pattern.compile("([ny],,)(n=([^,]*),r=([^,]+))");
    private static final Pattern FINAL = Pattern.compile("(c=([^,]+),r=([^,]+)),p=([^,]+)");
    private static final AttributeKey<Exchange> EXCHANGE = AttributeKey.valueOf("exchange");
    private static final AttributeKey<Boolean> DONE = AttributeKey.valueOf("loggedIn");

    /** What a connection has said so far; `proven`: it only owes the empty last message. */
    private record Exchange(String header, String first, String nonce, String answer, boolean shorter, boolean proven) {
    }

    private final String user;
    private final byte[] salt = new byte[28];
    private final byte[] storedKey;
    private final byte[] serverKey;

    Login(String user, String password) throws GeneralSecurityException {
        this.user = user;
        if (user.isEmpty()) {
            storedKey = serverKey = null;
            return;
        }
        new SecureRandom().nextBytes(salt);
        char[] prepared = Normalizer.normalize(password, Normalizer.Form.NFKC).toCharArray();
        byte[] salted = SecretKeyFactory.getInstance("PBKDF2WithHmacSHA256")
                .generateSecret(new PBEKeySpec(prepared, salt, ITERATIONS, 256)).getEncoded();
        storedKey = hash(hmac(salted, "Client Key"));
        serverKey = hmac(salted, "Server Key");
    }

    void check(Channel channel, String command) {
        if (!user.isEmpty() && channel.attr(DONE).get() == null) {
            throw new MongoServerError(13, "Unauthorized", "Command " + command + " requires authentication");
        }
    }

    Document start(Channel channel, String database, Document command) {
        channel.attr(EXCHANGE).set(null);
        channel.attr(DONE).set(null);
        Matcher first = FIRST.matcher(text(command));
        if (!MECHANISM.equals(command.get("mechanism"))) {
            throw new MongoServerError(334, "MechanismUnavailable", "only " + MECHANISM + " is supported here");
        }
        if (user.isEmpty() || !database.equals("admin") || !first.matches()
                || !user.equals(first.group(3).replace("=2C", ",").replace("=3D", "="))) {
            throw failed();
        }
        byte[] random = new byte[24];
        new SecureRandom().nextBytes(random);
        String nonce = first.group(4) + base64(random);
        String answer = "r=" + nonce + ",s=" + base64(salt) + ",i=" + ITERATIONS;
        boolean shorter = command.get("options") instanceof Document options
                && Boolean.TRUE.equals(options.get("skipEmptyExchange"));
        channel.attr(EXCHANGE).set(new Exchange(first.group(1), first.group(2), nonce, answer, shorter, false));
        return reply(false, answer);
    }

    Document proceed(Channel channel, Document command) {
        Exchange exchange = channel.attr(EXCHANGE).getAndSet(null);
        if (exchange == null) {
            throw new MongoServerError(17, "ProtocolError", "No SASL session state found");
        }
        if (exchange.proven()) {
            channel.attr(DONE).set(true);
            return reply(true, "");
        }
        Matcher last = FINAL.matcher(text(command));
        if (!last.matches() || !last.group(3).equals(exchange.nonce())
                || !last.group(2).equals(base64(exchange.header().getBytes(StandardCharsets.UTF_8)))) {
            throw failed();
        }
        String said = exchange.first() + "," + exchange.answer() + "," + last.group(1);
        byte[] key = hmac(storedKey, said);
        byte[] proof = decode(last.group(4));
        if (proof.length != key.length) {
            throw failed();
        }
        for (int i = 0; i < key.length; i++) {
            key[i] ^= proof[i];
        }
        if (!MessageDigest.isEqual(hash(key), storedKey)) {
            throw failed();
        }
        if (exchange.shorter()) {
            channel.attr(DONE).set(true);
        } else {
            channel.attr(EXCHANGE).set(new Exchange(null, null, null, null, false, true));
        }
        return reply(exchange.shorter(), "v=" + base64(hmac(serverKey, said)));
    }

    private static Document reply(boolean done, String payload) {
        return new Document("conversationId", 1).append("done", done)
                .append("payload", new BinData(payload.getBytes(StandardCharsets.UTF_8))).append("ok", 1.0);
    }

    private static MongoServerError failed() {
        return new MongoServerError(18, "AuthenticationFailed", "Authentication failed.");
    }

    private static String text(Document command) {
        if (!(command.get("payload") instanceof BinData payload)) {
            throw failed();
        }
        return new String(payload.getData(), StandardCharsets.UTF_8);
    }

    private static byte[] decode(String text) {
        try {
            return Base64.getDecoder().decode(text);
        } catch (IllegalArgumentException e) {
            throw failed();
        }
    }

    private static String base64(byte[] bytes) {
        return Base64.getEncoder().encodeToString(bytes);
    }

    private static byte[] hash(byte[] bytes) {
        try {
            return MessageDigest.getInstance("SHA-256").digest(bytes);
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException(e);
        }
    }

    private static byte[] hmac(byte[] key, String text) {
        try {
            Mac mac = Mac.getInstance("HmacSHA256");
            mac.init(new SecretKeySpec(key, "HmacSHA256"));
            return mac.doFinal(text.getBytes(StandardCharsets.UTF_8));
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException(e);
        }
    }
}
