import type { Secret } from '@keyrack/secrets'
import type { ConsoleConfig } from './config.ts'
import { isLoopback } from './config.ts'

export interface BannerFacts {
  port: number
  login: { host: string; fingerprint: string }
  signUpOpen: boolean
  setupToken: Secret | undefined
}

/** What somebody who just typed `npm start` needs next, and nothing else. */
export function banner({ port, login, signUpOpen, setupToken }: BannerFacts): string {
  const token =
    setupToken === undefined
      ? []
      : [
          '  The first account needs this setup token (kept in memory until the next start):',
          `    ${setupToken.reveal()}`,
          '',
        ]
  return [
    '',
    `  ${signUpOpen ? 'Sign up at' : 'Sign in at'}  http://localhost:${port}/`,
    '',
    ...token,
    '  Then log in from a second shell:',
    `    convox login ${login.host} --fingerprint ${login.fingerprint}`,
    '',
    '',
  ].join('\n')
}

/** How this machine's command lines reach the TLS listener. */
export function loginHost(config: Pick<ConsoleConfig, 'host'>, tlsPort: number): string {
  const wildcard = config.host === '0.0.0.0' || config.host === '::'
  if (wildcard || isLoopback(config.host)) return `localhost:${tlsPort}`
  return config.host.includes(':') ? `[${config.host}]:${tlsPort}` : `${config.host}:${tlsPort}`
}
