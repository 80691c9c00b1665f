/** A real nginx with the configuration of docs/reverse-proxy.md, in front of a Console. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { loadCertificate } from '@keyrack/server'
import { eventually, freePorts } from './started-console.ts'

const DOCUMENT = fileURLToPath(new URL('../docs/reverse-proxy.md', import.meta.url))

export interface StartedNginx {
  port: number
  /** Everything that it has complained about. */
  errors(): Promise<string>
  remove(): Promise<void>
}

/** `name`: the host name of PUBLIC_URL; `consolePort`: the plain port of the Console. */
export async function startNginx(name: string, consolePort: string): Promise<StartedNginx> {
  const folder = await mkdtemp(join(tmpdir(), 'keyrack-nginx-'))
  const certificate = await loadCertificate({ folder: join(folder, 'tls'), names: [name] })
  const [certFile, keyFile] = [join(folder, 'cert.pem'), join(folder, 'key.pem')]
  await writeFile(certFile, certificate.cert)
  await writeFile(keyFile, certificate.key.reveal(), { mode: 0o600 })
  await mkdir(join(folder, 'temp'))
  const [port = 0] = await freePorts(1)
  const site = replaceAll(await documented(), [
    ['127.0.0.1:3000', `127.0.0.1:${consolePort}`],
    ['listen 443 ssl', `listen 127.0.0.1:${port} ssl`],
    ['server_name console.example.com', `server_name ${name}`],
    ['/etc/ssl/console.example.com.pem', certFile],
    ['/etc/ssl/private/console.example.com.key', keyFile],
  ])
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
  const configuration = `
daemon off;
master_process off;
pid ${folder}/pid;
error_log ${folder}/errors info;
events {}
http {
  access_log off;
  ${temporary.map((kind) => `${kind}_temp_path ${folder}/temp/${kind};`).join('\n  ')}
  ${site}
}
`
  await writeFile(join(folder, 'nginx.conf'), configuration)
  const path = `${process.env.PATH ?? ''}:/usr/sbin`
  const options = ['-p', folder, '-c', join(folder, 'nginx.conf'), '-e', join(folder, 'errors')]
  const child = spawn('nginx', options, { env: { PATH: path }, stdio: 'ignore' })
  const errors = () => readFile(join(folder, 'errors'), 'utf8')
  const remove = async () => {
    await stop(child)
    await rm(folder, { recursive: true, force: true })
  }
  try {
    await eventually('nginx listens', async () => {
      if (child.exitCode !== null) throw new Error(`nginx did not start: ${await errors()}`)
      return (await listens(port)) || undefined
    })
  } catch (error) {
    await remove()
    throw error
  }
  return { port, errors, remove }
}

/** The one block of nginx's in the document. */
async function documented(): Promise<string> {
  const [, block] = /```nginx\n([\s\S]*?)```/.exec(await readFile(DOCUMENT, 'utf8')) ?? []
  if (block === undefined) throw new Error(`${DOCUMENT} holds no configuration`)
  return block
}

function replaceAll(text: string, changes: ReadonlyArray<readonly [string, string]>): string {
  return changes.reduce((changed, [from, to]) => {
    if (!changed.includes(from)) throw new Error(`the configuration does not hold ${from}`)
    return changed.replaceAll(from, to)
  }, text)
}

async function listens(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  const connected = await Promise.race([
    once(socket, 'connect').then(() => true),
    once(socket, 'close').then(() => false),
  ]).catch(() => false)
  socket.destroy()
  return connected
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = once(child, 'exit')
  child.kill('SIGTERM')
  await exited
}
