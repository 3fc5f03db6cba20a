/* SPDX-License-Identifier: Apache-2.0 */
package backend;

import com.fasterxml.jackson.core.type.TypeReference;
import java.util.Date;
import java.util.List;
import java.util.Map;

/** What programs that read the lists of the Java system have for them: these fields, in this order. */
final class Lists {
    private Lists() {
    }

    record Answer<T>(boolean success, int code, Page<T> data, String message, String errorMessage) {
    }

    record Page<T>(long total, int pageNum, int pageSize, List<T> list, boolean timeout) {
    }

    record Connection(String arrayClassName, String objectClassName, String id, Date createTime, Long timeout,
            Date accessTime, Integer messageCount, String channel, Long sessionDuration, Date lastRequestTime,
            Integer requestMessageCount, Integer requestUploadCount, List<String> listeners, String locationHref,
            Integer accessUserId, Integer accessTenantId, String accessToken, BackEnd.HrAccessUser accessUser,
            String accessUserClass, String clientId, String clientVersion, Long clientImportModuleTime,
            String clientInstanceId, Long clientInstanceTime, String serverId, String requestIp,
            String requestDomain, String userAgent, Map<String, String> httpParameters,
            Map<String, String> httpHeaders, String screen, Long totalJSHeapSize, Long usedJSHeapSize,
            Long jsHeapSizeLimit, Integer tenantId, Date expireTime, String accessUserName) {
    }

    record Message(String arrayClassName, String objectClassName, String id, String eventName, Object body,
            int filters, String listenerName, List<String> tenantIdList, List<String> userIdList,
            List<String> accessTokenList, List<String> channelList) {
    }

    static TypeReference<?> typeOf(String list) {
        return switch (list) {
            case "users" -> new TypeReference<Answer<BackEnd.HrAccessUser>>() { };
            case "connections" -> new TypeReference<Answer<Connection>>() { };
            default -> new TypeReference<Answer<Message>>() { };
        };
    }
}
