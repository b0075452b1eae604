import { BlockList, isIP } from "node:net"
import { Either } from "effect"

/** The addresses of proxies whose word on the client's address is believed. */
export interface TrustedProxies {
  readonly includes: (address: string) => boolean
}

/** Loopback and the ranges of private networks, IPv4 and IPv6. */
const privateRanges = ["127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "::1/128", "fc00::/7"]

/** IPv4 that a socket for both shows as IPv6: `::ffff:192.0.2.1`. */
export const plainAddress = (address: string): string => address.replace(/^::ffff:(?=\d+\.)/i, "")

const familyOf = (address: string): "ipv4" | "ipv6" => (isIP(address) === 6 ? "ipv6" : "ipv4")

const add = (list: BlockList, range: string): boolean => {
  const [address = "", prefix, ...rest] = range.split("/")
  const most = isIP(address) === 6 ? 128 : 32
  const bits = prefix === undefined ? most : /^\d{1,3}$/.test(prefix) ? Number(prefix) : most + 1
  if (isIP(address) === 0 || bits > most || rest.length > 0) return false
  list.addSubnet(address, bits, familyOf(address))
  return true
}

/** `private`, addresses and CIDR ranges, separated by commas or spaces; or what is wrong with them. */
export const parseTrustedProxies = (text: string): Either.Either<TrustedProxies, string> => {
  const list = new BlockList()
  const ranges = text.split(/[\s,]+/).filter((range) => range !== "")
  for (const range of ranges.flatMap((name) => (name === "private" ? privateRanges : [name]))) {
    if (!add(list, range)) return Either.left(`expected private, addresses or ranges such as 10.0.0.0/8, not ${range}`)
  }
  return Either.right({
    includes: (address) => isIP(address) !== 0 && list.check(address, familyOf(address)),
  })
}

export const noProxies: TrustedProxies = { includes: () => false }
