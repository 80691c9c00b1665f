import { once } from 'node:events'
import { connect } from 'node:net'
import { generateSshKeyPair } from '@keyrack/secrets'
import ssh2, { type Connection, type ServerChannel, type Session } from 'ssh2'
import { onTestFinished } from 'vitest'
import type { Engine } from '../engines/engine.ts'

export interface SshEngine {
  engine: Engine
  /** The account names that tried to log in. */
  users: string[]
  connections: Connection[]
}

/** An engine with one instance, `i-1`, whose sessions do what a test wants. */
export async function startSshEngine(
  onSession: (session: Session) => void,
  accepts: (publicKey: Buffer) => boolean = () => true,
): Promise<SshEngine> {
  const users: string[] = []
  const connections: Connection[] = []
  const hostKey = generateSshKeyPair('host')
  const server = new ssh2.Server({ hostKeys: [hostKey.privateKey.reveal()] }, (connection) => {
    connections.push(connection)
    connection.on('error', () => {})
    connection.on('authentication', (context) => {
      users.push(context.username)
      if (context.method !== 'publickey') context.reject(['publickey'])
      else if (accepts(context.key.data)) context.accept()
      else context.reject()
    })
    connection.on('session', (accept) => onSession(accept()))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    for (const connection of connections) connection.end()
    server.close()
  })
  const { port } = server.address() as { port: number }
  const engine: Engine = {
    name: 'test',
    capabilities: {
      sharesServerUser: false,
      reportsHostKeys: false,
      replacesAtOnce: false,
      maxInstances: 10,
    },
    sshUser: 'somebody',
    start: async () => {},
    stop: async () => {},
    instances: async () => [],
    exists: async () => true,
    capacity: async () => ({
      clusterCpu: 0,
      clusterMemory: 0,
      instanceCpu: 0,
      instanceMemory: 0,
    }),
    setCount: async () => {},
    terminate: async () => {},
    hostKey: async () => undefined,
    async dial() {
      const socket = connect(port, '127.0.0.1')
      await once(socket, 'connect')
      return socket
    },
  }
  return { engine, users, connections }
}

/** Answers every command of a session with the same act. */
export function onCommand(act: (channel: ServerChannel, command: string) => void) {
  return (session: Session): void => {
    session.on('exec', (accept, _reject, { command }) => act(accept(), command))
  }
}
