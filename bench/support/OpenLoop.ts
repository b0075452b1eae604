import { Agent as HttpAgent, request as httpRequest } from "node:http"
import { Agent as HttpsAgent, request as httpsRequest } from "node:https"

export interface LoopResult {
  readonly p50Ms: number
  readonly p99Ms: number
  readonly sent: number
  readonly failed: number
  /** Processor time of this process for one request, µs: what the load itself costs. */
  readonly ownUs: number
}

const tickMs = 2

/**
 * Asks for a URL so many times a second, whether or not it has answered, for some seconds. A request's time begins
 * when it was due, so that a server which stalls does not hide what came after (no coordinated omission).
 */
export const openLoop = async (
  url: string,
  headers: Record<string, string>,
  perSecond: number,
  seconds: number,
): Promise<LoopResult> => {
  const secure = url.startsWith("https:")
  const options = { keepAlive: true, maxSockets: 64, scheduling: "fifo" as const }
  const agent = secure ? new HttpsAgent({ ...options, rejectUnauthorized: false }) : new HttpAgent(options)
  const request = secure ? httpsRequest : httpRequest
  const times: Array<number> = []
  let failed = 0
  const total = perSecond * seconds
  const cpu = process.cpuUsage()
  const began = performance.now()
  await new Promise<void>((resolve) => {
    let sent = 0
    let done = 0
    const ended = (dueMs: number, ok: boolean) => {
      if (ok) times.push(performance.now() - dueMs)
      else failed += 1
      if (++done === total) resolve()
    }
    const send = (dueMs: number) => {
      const sending = request(url, { agent, headers }, (response) => {
        response.resume()
        response.once("end", () => ended(dueMs, response.statusCode === 200))
      })
      sending.once("error", () => ended(dueMs, false))
      sending.end()
    }
    const timer = setInterval(() => {
      const due = Math.min(total, Math.floor(((performance.now() - began) / 1000) * perSecond))
      while (sent < due) send(began + (sent++ / perSecond) * 1000)
      if (sent === total) clearInterval(timer)
    }, tickMs)
  })
  const { system, user } = process.cpuUsage(cpu)
  agent.destroy()
  times.sort((a, b) => a - b)
  const at = (share: number) => times[Math.max(0, Math.ceil(times.length * share) - 1)] ?? NaN
  return { p50Ms: at(0.5), p99Ms: at(0.99), sent: total, failed, ownUs: (system + user) / total }
}
