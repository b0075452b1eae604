import { readFile } from "node:fs/promises"
import { describe, expect, it } from "vitest"
import { parse } from "yaml"

interface Service {
  readonly image?: string
  readonly restart?: string
  readonly init?: boolean
  readonly read_only?: boolean
  readonly cap_drop?: ReadonlyArray<string>
  readonly cap_add?: ReadonlyArray<string>
  readonly security_opt?: ReadonlyArray<string>
  readonly mem_limit?: string
  readonly pids_limit?: number
  readonly ports?: ReadonlyArray<string>
  readonly networks?: ReadonlyArray<string> | Readonly<Record<string, unknown>>
  readonly environment?: Readonly<Record<string, string>>
  readonly logging?: { readonly options: Readonly<Record<string, string>> }
  readonly stop_grace_period?: string
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>
  readonly healthcheck?: unknown
}
interface Compose {
  readonly services: Readonly<Record<string, Service>>
  readonly networks?: Readonly<Record<string, { readonly internal?: boolean } | null>>
  readonly volumes?: Readonly<Record<string, unknown>>
}

const read = async (file: string): Promise<Compose> => parse(await readFile(file, "utf8"), { merge: true }) as Compose
const edge = await read("compose.edge.yml")
const vps = await read("compose.vps.yml")
const scale = await read("compose.scale.yml")

const networksOf = ({ networks = [] }: Service): ReadonlyArray<string> =>
  Array.isArray(networks) ? networks : Object.keys(networks)

describe.each([
  ...Object.entries(edge.services).map(([name, service]) => ({ name, service })),
  ...Object.entries(vps.services).map(([name, service]) => ({ name, service })),
])("container $name", ({ service }) => {
  it("may do no more than it needs, and is bounded", () => {
    expect(service).toMatchObject({ init: true, read_only: true, cap_drop: ["ALL"] })
    expect(service.security_opt).toContain("no-new-privileges:true")
    expect(service.cap_add ?? []).not.toContain("SYS_ADMIN")
    expect(service.mem_limit).toMatch(/^(\$\{\w+:-)?\d+\}?m$/)
    expect(service.pids_limit).toBeGreaterThan(0)
    expect(service.logging?.options).toHaveProperty("max-size")
    expect(service.restart).toMatch(/^(unless-stopped|on-failure:\d+)$/)
  })
})

describe("the stack of the house", () => {
  it("opens no port and keeps what it must not lose in a volume", () => {
    expect(Object.keys(edge.services)).toEqual(["p1-edge"])
    expect(edge.services["p1-edge"]?.ports).toBeUndefined()
    expect(edge.services["p1-edge"]?.image).toBe("ghcr.io/your-org/p1-edge:latest")
    expect(edge.services["p1-edge"]).toMatchObject({ volumes: ["p1_edge_data:/data"] })
    expect(Object.keys(edge.services["p1-edge"]?.environment ?? {})).toEqual(
      expect.arrayContaining(["HW_P1_HOST", "HW_P1_TOKEN", "VPS_INGEST_URL", "VPS_DEVICE_TOKEN"]),
    )
  })
})

describe("the stack of the server", () => {
  it("publishes Caddy's two ports and nothing else", () => {
    const published = Object.entries(vps.services).flatMap(([name, { ports = [] }]) =>
      ports.map((port) => `${name} ${port.replace(/\$\{\w+:-(\d+)\}/, "$1")}`),
    )
    expect(published).toEqual(["caddy 80:80", "caddy 443:443", "caddy 443:443/udp"])
  })

  it("keeps database and cache where the internet is not", () => {
    expect(vps.networks?.["internal"]?.internal).toBe(true)
    for (const name of ["postgres", "redis", "migrate", "maintenance"]) {
      expect(networksOf(vps.services[name] ?? {})).toEqual(["internal"])
    }
    expect(networksOf(vps.services["caddy"] ?? {})).toEqual(["web"])
  })

  it("pins the database's image, and gives the API a role that is not the owner's", () => {
    expect(vps.services["postgres"]?.image).toMatch(/timescale\/timescaledb:\d+\.\d+\.\d+-pg\d+/)
    expect(vps.services["api"]?.environment?.["DATABASE_URL"]).toContain("//p1_api:")
    expect(vps.services["migrate"]?.environment?.["DATABASE_URL"]).toContain("//p1:")
  })

  it("starts in the order of what each needs, and stops the API later than it drains", () => {
    const conditions = Object.entries(vps.services["api"]?.depends_on ?? {}).map(
      ([name, { condition }]) => `${name} ${condition}`,
    )
    expect(conditions).toEqual([
      "migrate service_completed_successfully",
      "postgres service_healthy",
      "redis service_healthy",
    ])
    expect(vps.services["caddy"]?.depends_on).toEqual({ api: { condition: "service_healthy" } })
    expect(Number.parseInt(vps.services["api"]?.stop_grace_period ?? "", 10)).toBeGreaterThan(10)
  })
})

describe("the second API process", () => {
  it("is the first in everything but its name, and Caddy knows both", () => {
    const { api, caddy } = vps.services
    expect(Object.keys(scale.services)).toEqual(["api2", "caddy"])
    expect({ ...scale.services["api2"], networks: api?.networks }).toEqual(api)
    const addresses = [api, scale.services["api2"]].map((service) => {
      const { web } = service?.networks as Readonly<Record<string, { readonly aliases: ReadonlyArray<string> }>>
      return `${web?.aliases.join() ?? ""}:8080`
    })
    expect(caddy?.environment?.["API"]).toBe(`\${API:-${addresses[0] ?? ""}}`)
    expect(scale.services["caddy"]?.environment?.["API"]).toBe(addresses.join(" "))
  })
})
