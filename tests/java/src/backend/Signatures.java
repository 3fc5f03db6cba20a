/* SPDX-License-Identifier: Apache-2.0 */
package backend;

import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.util.HexFormat;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import org.springframework.http.HttpStatus;
import org.springframework.web.server.ResponseStatusException;

/** "t=<seconds>,v1=<HMAC-SHA256 of '<seconds>.<body>'>" (docs/webhooks.md). */
final class Signatures {
    private final SecretKeySpec key;

    Signatures(String secret) {
        key = new SecretKeySpec(secret.getBytes(StandardCharsets.UTF_8), "HmacSHA256");
    }

    private byte[] of(String time, String body) throws GeneralSecurityException {
        Mac mac = Mac.getInstance("HmacSHA256");
        mac.init(key);
        return mac.doFinal((time + "." + body).getBytes(StandardCharsets.UTF_8));
    }

    void check(String body, String signature) {
        try {
            String[] parts = signature.split("[=,]"); // t, seconds, v1, digits
            if (!MessageDigest.isEqual(of(parts[1], body), HexFormat.of().parseHex(parts[3]))) {
                throw new ResponseStatusException(HttpStatus.UNAUTHORIZED);
            }
        } catch (GeneralSecurityException fault) {
            throw new IllegalStateException(fault);
        }
    }
}
