import type { AddressInfo, Server } from 'node:net'
import { KeyrackError } from '@keyrack/protocol'

export interface ListenOptions {
  /** 0 asks the system for a free port. */
  port: number
  host: string
  /** The setting that chose the port, for the error text. */
  variable: string
  hostVariable?: string
}

export interface Listening {
  host: string
  port: number
  /** Stops accepting, closes idle connections, resolves when the others have ended. */
  close(): Promise<void>
}

/** Starts a server, or says in a sentence why it cannot and which setting to change. */
export async function listen(server: Server, options: ListenOptions): Promise<Listening> {
  const { port, host } = options
  await new Promise<void>((resolve, reject) => {
    const failed = (error: NodeJS.ErrnoException) => reject(listenFailure(error, options))
    server.once('error', failed)
    server.listen({ port, host }, () => {
      server.off('error', failed)
      resolve()
    })
  })
  const address = server.address() as AddressInfo
  let closing: Promise<void> | undefined
  return {
    host: address.address,
    port: address.port,
    close() {
      closing ??= new Promise((resolve, reject) => {
        // Since Node 19 this closes idle kept-alive connections of an HTTP server too.
        server.close((error) => (error === undefined ? resolve() : reject(error)))
      })
      return closing
    },
  }
}

function listenFailure(error: NodeJS.ErrnoException, options: ListenOptions): KeyrackError {
  const { port, host, variable, hostVariable = 'HOST' } = options
  switch (error.code) {
    case 'EADDRINUSE':
      return new KeyrackError('conflict', `port ${port} is taken`, {
        hint: `set ${variable} to another one`,
        cause: error,
      })
    case 'EACCES':
      return new KeyrackError('conflict', `this user may not listen on port ${port}`, {
        hint: `set ${variable} to a port above 1023`,
        cause: error,
      })
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return new KeyrackError('conflict', `${host} is not an address of this machine`, {
        hint: `set ${hostVariable} to one that is, or to 127.0.0.1`,
        cause: error,
      })
    default:
      return new KeyrackError('conflict', `cannot listen on ${host} port ${port} (${error.code})`, {
        hint: `check ${hostVariable} and ${variable}`,
        cause: error,
      })
  }
}
