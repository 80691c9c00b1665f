import { parseName } from './parse-name.ts'

export function parseOrganizationName(text: string | undefined): string {
  return parseName(text, {
    noun: 'organization',
    field: 'organization',
    example: 'acme or acme-labs',
  })
}
