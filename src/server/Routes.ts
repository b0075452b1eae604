import { docsPath, openApiDocument, openApiPath } from "./OpenApiDocument.ts"

export interface Route {
  readonly path: string
  readonly pattern: RegExp
  readonly methods: ReadonlyArray<string>
}

/** Every path there is. */
export const routes: ReadonlyArray<Route> = [
  ...Object.entries(openApiDocument.paths).map(([path, methods]) => ({
    path,
    pattern: new RegExp(`^${path.replace(/\{\w+\}/g, "[^/]+")}$`),
    methods: Object.keys(methods).map((method) => method.toUpperCase()),
  })),
  ...[openApiPath, docsPath].map((path) => ({ path, pattern: new RegExp(`^${path}$`), methods: ["GET"] })),
]

const exact = new Map(routes.map(({ path }) => [path, path]))

/** The path as the contract writes it: of those there are few, whatever clients ask for. */
export const routeOf = (path: string): string =>
  exact.get(path) ?? routes.find(({ pattern }) => pattern.test(path))?.path ?? "none"
