/** Everything the Console reads from its environment, already checked. */
export interface ConsoleConfig {
  /** The plain listener: always loopback. */
  port: number
  tlsPort: number
  /** Where the TLS listener binds. */
  host: string
  /** The local Rack's port; unset: a free one that is remembered. */
  rackPort: number | undefined
  operatorPort: number
  dataDir: string
  keyDir: string
  tlsCertFile: string | undefined
  tlsKeyFile: string | undefined
  /** Addresses and networks whose `X-Forwarded-For` is believed. */
  trustedProxies: readonly string[]
  /** Host names that a browser may use besides localhost and the one in `publicUrl`. */
  allowedHosts: readonly string[]
  publicUrl: string | undefined
  /** Private networks (CIDR) in which Racks may be. */
  rackNetworks: readonly string[]
  logLevel: string
  /** Whether somebody beyond this machine can reach a listener, so the first account needs the setup token. */
  exposed: boolean
  /** The allow-listed part of our environment that children may see. */
  childEnvironment: Readonly<Record<string, string>>
}
