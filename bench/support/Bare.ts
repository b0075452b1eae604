import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { gunzipSync } from "node:zlib"
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

/** Takes batches without us: reads the body, unpacks and parses it, stores nothing. Says its port when it listens. */
export const serveBareBatches = (): void => {
  const server = createServer((request, response) => {
    const chunks: Array<Buffer> = []
    request
      .on("data", (chunk: Buffer) => chunks.push(chunk))
      .on("end", () => {
        const { samples } = JSON.parse(gunzipSync(Buffer.concat(chunks)).toString()) as { samples: Array<unknown> }
        response.end(JSON.stringify({ received: samples.length }))
      })
  })
  server.listen(0, "127.0.0.1", () => process.stdout.write(`${(server.address() as AddressInfo).port}\n`))
}
