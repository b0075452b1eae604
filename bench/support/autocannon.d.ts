/** What the benchmark uses of a package that brings no types. */
declare module "autocannon" {
  const autocannon: (options: {
    readonly url: string
    readonly headers: Readonly<Record<string, string>>
    readonly connections: number
    readonly duration: number
  }) => Promise<{ readonly non2xx: number; readonly requests: { readonly average: number } }>
  export default autocannon
}
