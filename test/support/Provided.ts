declare module "vitest" {
  export interface ProvidedContext {
    /** A superuser's address of the PostgreSQL server that tests share. */
    readonly databaseUrl: string
    /** The Redis server that tests share; without one, tests that need it are skipped. */
    readonly redisUrl: string | undefined
    /** The programs of PostgreSQL that were found on this machine; without any, the packaged ones serve. */
    readonly postgresBinDir: string | undefined
    /** What the shared PostgreSQL server is, for people. */
    readonly ranOn: string
    /** What tests run on besides, for people. */
    readonly besides: string
  }
}

export {}
