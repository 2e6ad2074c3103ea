import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, it } from 'vitest'
import { ROOT } from '../kit/source-files.js'

const pages = [
  'README.md',
  'CONTRIBUTING.md',
  'CHANGELOG.md',
  'SECURITY.md',
  ...readdirSync(join(ROOT, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
]

const withoutCode = (page: string) => readFileSync(join(ROOT, page), 'utf8').replace(/^```[\s\S]*?^```/gm, '')

/** As GitHub and npm make them of headings. */
function anchors(page: string): string[] {
  return [...withoutCode(page).matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  )
}

const links = pages.flatMap((page) =>
  [...withoutCode(page).matchAll(/\]\((?!https?:|mailto:)([^)\s]+)\)/g)].map(([, link = '']) => {
    const [path = '', anchor] = link.split('#')
    return { page, link, target: path === '' ? page : join(dirname(page), path), anchor }
  }),
)

it('a link in the docs leads somewhere', () => {
  const dead = links.flatMap(({ page, link, target, anchor }) => {
    if (!existsSync(join(ROOT, target))) return [`${page}: ${link}`]
    if (anchor === undefined || !target.endsWith('.md')) return []
    return anchors(target).includes(anchor) ? [] : [`${page}: ${link}`]
  })
  expect(dead).toEqual([])
})

it('a link in the docs leads to what the site has as well', () => {
  const there = new Set([...pages, 'examples/chat/README.md'])
  const outside = links.filter(({ target }) => !there.has(target) && !/^docs\/.+\.(png|svg)$/.test(target))
  expect(outside.map(({ page, link }) => `${page}: ${link}`)).toEqual([])
})
