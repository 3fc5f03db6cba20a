/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_HANDLERS_H
#define API_HANDLERS_H
/* What the routes lead to: one function per endpoint, in the file that bears its family's name.
 * Each answers, now or later. */

struct api_exchange;

/* The browser's side */
void api_handle_script(struct api_exchange *exchange);          /* script.c */
void api_handle_connect(struct api_exchange *exchange);         /* connect.c */
void api_handle_add_listener(struct api_exchange *exchange);    /* listeners.c */
void api_handle_remove_listener(struct api_exchange *exchange); /* listeners.c */
void api_handle_subscribe(struct api_exchange *exchange);       /* channels.c */
void api_handle_unsubscribe(struct api_exchange *exchange);     /* channels.c */
void api_handle_refresh(struct api_exchange *exchange);         /* refresh.c */
void api_handle_message(struct api_exchange *exchange);         /* message.c */
void api_handle_upload(struct api_exchange *exchange);          /* upload.c */
void api_handle_disconnect(struct api_exchange *exchange);      /* disconnect.c */
void api_handle_ack(struct api_exchange *exchange);             /* ack.c */

/* The back ends' side */
void api_handle_users(struct api_exchange *exchange);           /* query_lists.c */
void api_handle_user_ids(struct api_exchange *exchange);        /* query_lists.c */
void api_handle_tenant_ids(struct api_exchange *exchange);      /* query_lists.c */
void api_handle_channels(struct api_exchange *exchange);        /* query_lists.c */
void api_handle_access_tokens(struct api_exchange *exchange);   /* query_lists.c */
void api_handle_connections(struct api_exchange *exchange);     /* query_lists.c */
void api_handle_messages(struct api_exchange *exchange);        /* query_messages.c */
void api_handle_message_state(struct api_exchange *exchange);   /* query_message.c */
void api_handle_online(struct api_exchange *exchange);          /* query_online.c */
void api_handle_counts(struct api_exchange *exchange);          /* query_lists.c */
void api_handle_presence(struct api_exchange *exchange);        /* presence.c */
void api_handle_send(struct api_exchange *exchange);            /* send.c */
void api_handle_delete_messages(struct api_exchange *exchange); /* delete_messages.c */
void api_handle_delete_message(struct api_exchange *exchange);  /* delete_messages.c */
void api_handle_disconnect_user(struct api_exchange *exchange); /* disconnect_user.c */
void api_handle_set_duration(struct api_exchange *exchange);    /* set_duration.c */

/* The Java system's lists, also for pages (page_lists.h) */
void api_handle_java_users(struct api_exchange *exchange);       /* query_lists.c */
void api_handle_java_connections(struct api_exchange *exchange); /* query_lists.c */
void api_handle_java_messages(struct api_exchange *exchange);    /* query_messages.c */

/* The server itself */
void api_handle_demo(struct api_exchange *exchange);     /* demo.c */
void api_handle_live(struct api_exchange *exchange);     /* health.c */
void api_handle_ready(struct api_exchange *exchange);    /* health.c */
void api_handle_metrics(struct api_exchange *exchange);  /* metrics.c */
void api_handle_openapi(struct api_exchange *exchange);  /* openapi.c */
void api_handle_settings(struct api_exchange *exchange); /* settings.c */

#endif
