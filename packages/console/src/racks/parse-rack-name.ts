import { parseName } from '../organizations/parse-name.ts'

/** `dev` in `acme/dev`. */
export function parseRackName(text: string): string {
  return parseName(text, { noun: 'Rack', field: 'name', example: 'production or eu-1' })
}
