// Naming node:http makes Node.js load its own copy of undici and all that stands on it, for the WebSocket that this
// module also exports: 5 MB. What the edge uses of it is in node:https too, whose requests go as their agent says.
import https from "node:https"

export const Agent = Object.getPrototypeOf(https.Agent)
export const { createServer, get, request } = https
