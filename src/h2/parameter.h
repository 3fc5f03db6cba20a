/* SPDX-License-Identifier: Apache-2.0 */
#ifndef H2_PARAMETER_H
#define H2_PARAMETER_H
/*
 * The parameters behind the first word of a field such as Content-Type or Content-Disposition:
 * `form-data; name="a"; filename=b`. Takes the text apart where it lies.
 */

struct h2_parameter {
    char *name;
    char *value; /* without its quotes */
};

/* Ends the first word of text, and sets *cursor to where its parameters begin. */
char *h2_parameter_first(char *text, char **cursor);

/* 1 and the next parameter; 0 at the end; -EINVAL when the text is no list of parameters.
 * In a quoted value a backslash counts only before a quote that does not have to close it: browsers
 * send others as they are. */
int h2_parameter_next(char **cursor, struct h2_parameter *parameter);

#endif
