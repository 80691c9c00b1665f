import { describe, expect, it } from 'vitest'
import { parseBootParameters, parseBootReport } from './boot-messages.ts'

describe('what an engine and its instance tell each other', () => {
  const parameters = {
    id: 'i-0123456789ab',
    owner: 'f'.repeat(32),
    home: '/data/instances/i-0123456789ab',
    sshUser: 'keyrack',
    authorizedKeys: ['ssh-ed25519 AAAA keyrack:1'],
    environment: { PATH: '/bin' },
  }

  it('arrives as it was sent', () => {
    expect(parseBootParameters(JSON.stringify(parameters))).toEqual(parameters)
    const report = { port: 2222, hostKey: 'ssh-ed25519 AAAA' }
    expect(parseBootReport(JSON.stringify(report))).toEqual(report)
  })

  it('is refused when a part is missing or of another kind', () => {
    for (const part of Object.keys(parameters)) {
      for (const wrong of [undefined, null, 7, '']) {
        const line = JSON.stringify({ ...parameters, [part]: wrong })
        expect(() => parseBootParameters(line), `${part} ${wrong}`).toThrow(TypeError)
      }
    }
    const twoLines = { ...parameters, authorizedKeys: ['ssh-ed25519 AAAA\nssh-ed25519 BBBB'] }
    expect(() => parseBootParameters(JSON.stringify(twoLines))).toThrow(TypeError)
  })

  it('is refused when it is not a report', () => {
    for (const line of [
      '[]',
      'null',
      '7',
      '{"port":22}',
      '{"port":0,"hostKey":"k"}',
      '{"port":65536,"hostKey":"k"}',
      '{"port":"22","hostKey":"k"}',
      '{"port":22.5,"hostKey":"k"}',
    ]) {
      expect(() => parseBootReport(line), line).toThrow(TypeError)
    }
    expect(() => parseBootReport('Debugger listening')).toThrow(SyntaxError)
  })
})
