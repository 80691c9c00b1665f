import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'

/** A file whose address holds its hash, so that a browser may keep it for ever. */
interface Asset {
  body: string
  type: string
}

const TYPES = { css: 'text/css', js: 'text/javascript', svg: 'image/svg+xml' } as const

// Style and script are plain files beside the sources, which the compiler does not copy: from
// src/web and from dist/web alike they are at this place.
const FOLDER = new URL('../../src/web/static/', import.meta.url)

const byPath = new Map<string, Asset>()

function load(name: string, kind: keyof typeof TYPES, parts: readonly string[] = [name]): string {
  const files = parts.map((part) => readFileSync(new URL(`${part}.${kind}`, FOLDER), 'utf8'))
  const body = files.join('\n')
  const hash = createHash('sha256').update(body).digest('hex').slice(0, 12)
  const path = `/assets/${name}-${hash}.${kind}`
  byPath.set(path, { body, type: `${TYPES[kind]}; charset=utf-8` })
  return path
}

const STYLES = ['base', 'frame', 'surfaces', 'forms', 'content', 'rolls', 'narrow']
const SCRIPTS = ['console', 'roll-progress']

export const ASSET_PATHS = {
  // One file for the browser; the order is the cascade's.
  style: load('console', 'css', STYLES),
  script: load('console', 'js', SCRIPTS),
  icon: load('icon', 'svg'),
}

export function findAsset(path: string): Asset | undefined {
  return byPath.get(path)
}
