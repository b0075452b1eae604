import { isIP } from "node:net"
import type { HttpServerRequest } from "@effect/platform"
import { Option } from "effect"
import { plainAddress, type TrustedProxies } from "./TrustedProxies.ts"

const forwarded = (request: HttpServerRequest.HttpServerRequest): ReadonlyArray<string> =>
  (request.headers["x-forwarded-for"] ?? "")
    .split(",")
    .map((address) => plainAddress(address.trim()))
    .reverse()

/**
 * Who sent a request: the nearest address that is not of a trusted proxy, each of which adds the one it was asked by.
 * What comes from anybody else's hand is not believed.
 */
export const clientAddress = (request: HttpServerRequest.HttpServerRequest, trusted: TrustedProxies): string => {
  const peer = plainAddress(Option.getOrElse(request.remoteAddress, () => ""))
  if (!trusted.includes(peer)) return peer
  let nearest = peer
  for (const address of forwarded(request)) {
    if (isIP(address) === 0) return nearest
    nearest = address
    if (!trusted.includes(address)) return nearest
  }
  return nearest
}

const groups = (half: string): ReadonlyArray<string> => (half === "" ? [] : half.split(":"))

/** What counts as one client: an IPv4 address, or the /64 network of an IPv6 one, all of which one client may have. */
export const clientNetwork = (address: string): string => {
  if (isIP(address) !== 6) return address
  const [head = "", tail] = new URL(`http://[${address.split("%", 1)[0] ?? ""}]`).hostname.slice(1, -1).split("::")
  const missing = tail === undefined ? 0 : 8 - groups(head).length - groups(tail).length
  const all = [...groups(head), ...Array.from({ length: missing }, () => "0"), ...groups(tail ?? "")]
  return `${all.slice(0, 4).join(":")}::/64`
}
