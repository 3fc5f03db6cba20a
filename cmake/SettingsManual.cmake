# SPDX-License-Identifier: Apache-2.0
# cmake -DPROGRAM=… -DLIKE=… -DOUTPUT=… -P SettingsManual.cmake: the manual page sse-server.yaml(5), which has all settings
# as the program prints them, dated as the page LIKE.
execute_process(COMMAND ${PROGRAM} default-config OUTPUT_VARIABLE settings COMMAND_ERROR_IS_FATAL ANY)
string(REPLACE "\\" "\\e" settings "${settings}")
file(STRINGS ${LIKE} date REGEX "^\\.Dd ")
file(WRITE ${OUTPUT} ".\\\" Generated.
${date}
.Dt SSE-SERVER.YAML 5
.Os
.Sh NAME
.Nm sse-server.yaml
.Nd settings of sse-server
.Sh DESCRIPTION
What
.Xr sse-server 1
reads with
.Fl -config ,
with the defaults.
.Bd -literal
${settings}.Ed
.Sh SEE ALSO
.Xr sse-server 1
")
