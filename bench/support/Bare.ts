import { createServer } from "node:http"
import { Redis } from "ioredis"

/** The same read without us: node:http, ioredis, one GET, the same document. Runs in a process of its own. */
export const serveBare = (redisUrl: string, key: string, port: number): void => {
  const redis = new Redis(redisUrl)
  createServer((_, response) => {
    redis.get(key).then(
      (json) => response.writeHead(200, { "content-type": "application/json" }).end(json),
      () => response.writeHead(500).end(),
    )
  }).listen(port, "127.0.0.1")
}
