// What the edge uses of undici: an agent that makes requests. The rest (fetch, WebSocket, caches, mocks) is another
// 7 MB in memory.
import request from "../../node_modules/undici/lib/api/api-request.js"
import Agent from "../../node_modules/undici/lib/dispatcher/agent.js"
import Dispatcher from "../../node_modules/undici/lib/dispatcher/dispatcher.js"

Dispatcher.prototype.request = request

export { Agent }
export default { Agent }
