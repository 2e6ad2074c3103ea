import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'

/** Storybook's own pages, whose links its programs make. */
const NOT_READ = /^storybook\//

/**
 * Links of the built site that lead nowhere, as `page → link`: to pages, pictures and scripts that are not there, and to
 * headings that a page has not.
 */
export function deadLinks(dist: string): { dead: string[]; checked: number } {
  const pages = readdirSync(dist, { recursive: true, encoding: 'utf8' }).filter(
    (name) => name.endsWith('.html') && !NOT_READ.test(name),
  )
  const ids = new Map<string, ReadonlySet<string>>()
  const idsOf = (file: string) => {
    const known = ids.get(file) ?? new Set(Array.from(read(file).matchAll(/ id="([^"]+)"/g), ([, id]) => decoded(id!)))
    ids.set(file, known)
    return known
  }
  const dead = new Set<string>()
  let checked = 0
  for (const page of pages) {
    const html = read(join(dist, page))
    for (const [, link] of html.matchAll(/ (?:href|src)="([^"]*)"/g)) {
      if (/^(?:[a-z]+:|\/\/)/i.test(link!)) continue
      checked++
      const [path = '', hash = ''] = decoded(link!).split('#')
      const target = fileOf(dist, page, path.split('?')[0]!)
      const there = target !== null && (hash === '' || !target.endsWith('.html') || idsOf(target).has(hash))
      if (!there) dead.add(`${page} → ${link}`)
    }
  }
  return { dead: [...dead], checked }
}

function fileOf(dist: string, page: string, path: string): string | null {
  if (path === '') return join(dist, page)
  const whole = path.startsWith('/') ? join(dist, path) : join(dist, dirname(page), path)
  if (relative(dist, whole).startsWith('..')) return null
  const tries = [whole, `${whole}.html`, join(whole, 'index.html')]
  return tries.find((file) => existsSync(file) && !isFolder(file)) ?? null
}

function isFolder(file: string): boolean {
  try {
    readdirSync(file)
    return true
  } catch {
    return false
  }
}

function read(file: string): string {
  return readFileSync(file, 'utf8')
}

function decoded(text: string): string {
  return decodeURIComponent(text.replaceAll('&amp;', '&'))
}
