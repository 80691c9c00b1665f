import type { IncomingHttpHeaders } from 'node:http'
import { request } from 'node:https'
import { basicHeader } from '@keyrack/protocol'
import type { Secret } from '@keyrack/secrets'

export interface Said {
  status: number
  headers: IncomingHttpHeaders
  body: string
}

export interface Asked {
  key?: Secret
  headers?: Record<string, string>
  body?: string | Buffer
}

/** One request as it stands: nothing is added, and every status is returned. */
export function ask(port: number, line: string, { key, headers, body }: Asked = {}): Promise<Said> {
  const [method, path] = line.split(' ')
  return new Promise((resolve, reject) => {
    const outgoing = request({
      host: '127.0.0.1',
      port,
      method,
      path,
      agent: false,
      rejectUnauthorized: false,
      headers: {
        ...(key === undefined ? {} : { authorization: basicHeader(key).reveal() }),
        // Node adds it for POST and PUT only.
        ...(body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) }),
        ...headers,
      },
    })
    outgoing.once('error', reject)
    outgoing.once('response', (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (chunk) => {
        text += chunk
      })
      response.once('error', reject)
      response.once('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text }),
      )
    })
    outgoing.end(body)
  })
}
