import { createServer, type Server } from 'node:net'
import type { AuthContext, Connection } from 'ssh2'
import ssh2 from 'ssh2'
import { findAuthorizedKey } from './authorized-keys.ts'
import type { HostKey } from './host-key.ts'
import { type SessionOptions, serveSession } from './serve-session.ts'

export interface SshServerOptions extends SessionOptions {
  hostKey: HostKey
  sshUser: string
}

/** As OpenSSH's LoginGraceTime and MaxAuthTries limit those who are not logged in. */
const LOGIN_GRACE_MS = 30_000
const MOST_ATTEMPTS = 20

async function mayLogIn(context: AuthContext, options: SshServerOptions): Promise<boolean> {
  if (context.method !== 'publickey' || context.username !== options.sshUser) return false
  const key = await findAuthorizedKey(options.home, context.key.data)
  if (key === undefined) return false
  // First the client asks whether the key would do, then it proves that it has the private half.
  if (context.signature === undefined || context.blob === undefined) return true
  return key.verify(context.blob, context.signature, context.hashAlgo) === true
}

function admit(client: Connection, options: SshServerOptions): void {
  let attempts = 0
  // Broken connections and scanners; nothing follows from them.
  client.on('error', () => {})
  client.on('authentication', (context) => {
    mayLogIn(context, options)
      .catch(() => false)
      .then((allowed) => {
        if (allowed) return context.accept()
        attempts += 1
        if (attempts > MOST_ATTEMPTS) return void client.end()
        context.reject(['publickey'])
      })
  })
  // Port forwarding, agents, X11 and sftp have no listener, and ssh2 refuses what has none.
  client.on('session', (accept) => serveSession(accept(), options))
}

/**
 * The SSH server of an instance: public keys only, and only those in its authorized_keys file now.
 * Our own listener hands the sockets over, because without TCP_NODELAY each command waits several
 * times for a delayed acknowledgement.
 */
export function createSshServer(options: SshServerOptions): Server {
  const hostKeys = [options.hostKey.privateKey.reveal()]
  return createServer({ noDelay: true }, (socket) => {
    const grace = setTimeout(() => socket.destroy(), LOGIN_GRACE_MS)
    socket.once('close', () => clearTimeout(grace))
    // One protocol server per socket ties the two together, also before the client said anything.
    const protocol = new ssh2.Server({ hostKeys })
    protocol.on('connection', (client) => {
      client.on('ready', () => clearTimeout(grace))
      admit(client, options)
    })
    protocol.injectSocket(socket)
  })
}
