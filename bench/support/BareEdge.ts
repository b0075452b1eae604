import { request as plainRequest } from "node:http"
import { Agent, request as tlsRequest } from "node:https"
import { gzipSync } from "node:zlib"
import Database from "better-sqlite3"

/** Where a bare edge reads and posts. */
export interface BareEdge {
  readonly meter: string
  readonly token: string
  readonly server: string
  readonly filename: string
}

/**
 * What no edge can leave out at 1 Hz, without us: asks the meter over TLS, puts the answer on the disk, posts it, deletes
 * it. Runs in a process of its own.
 */
export const runBareEdge = ({ filename, meter, server, token }: BareEdge): void => {
  const db = new Database(filename)
  db.pragma("journal_mode = WAL")
  db.pragma("synchronous = FULL")
  db.exec("create table spool (id integer primary key, sample text not null)")
  const put = db.prepare("insert into spool (sample) values (?)")
  const drop = db.prepare("delete from spool where id = ?")
  const agent = new Agent({ keepAlive: true, rejectUnauthorized: false })
  const headers = { authorization: `Bearer ${token}`, "x-api-version": "2" }

  const post = (id: number | bigint, sample: string) =>
    plainRequest(server, { method: "POST" }, (reply) => reply.resume().on("end", () => drop.run(id))).end(
      gzipSync(JSON.stringify({ samples: [JSON.parse(sample)] })),
    )
  const read = () =>
    tlsRequest(`https://${meter}/api/measurement`, { agent, headers }, (reply) => {
      let sample = ""
      reply
        .setEncoding("utf8")
        .on("data", (chunk: string) => (sample += chunk))
        .on("end", () => post(put.run(sample).lastInsertRowid, sample))
    }).end()
  setInterval(read, 1_000)
}
