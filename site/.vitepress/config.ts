import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { defineConfig } from 'vitepress'

const start = [
  ['Quickstart', 'quickstart'],
  ['Without a bundler', 'without-a-bundler'],
  ['Bundlers and test runners', 'bundlers'],
]
const guides = [
  ['React', 'react'],
  ['React Native', 'react-native'],
  ['TanStack Query', 'query'],
  ['Requests', 'requests'],
  ['Presence', 'presence'],
  ['Tokens', 'tokens'],
  ['Servers', 'servers'],
  ['Deploys', 'deploys'],
  ['Operators', 'operators'],
  ['Foreign servers', 'foreign-servers'],
  ['Phoenix', 'phoenix'],
  ['Browsers', 'browsers'],
  ['Testing', 'testing'],
  ['Devtools', 'devtools'],
  ['What goes wrong', 'faults'],
]
const internals = [
  ['The protocol', 'protocol'],
  ['How it is built', 'architecture'],
]

const pages = join(import.meta.dirname, '../.pages')
const item = ([text, page]: string[]) => ({ text: text!, link: `/docs/${page}` })

/** Pages of docs/ that are not listed above. They appear in the sidebar too. */
const others = readdirSync(join(pages, 'docs'))
  .filter((file) => file.endsWith('.md'))
  .map((file) => file.slice(0, -3))
  .filter((page) => ![...start, ...guides, ...internals].some(([, known]) => known === page))

const api = readdirSync(join(pages, 'api'), { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => ({ text: name === 'index' ? 'livesocket' : `livesocket/${name}`, link: `/api/${name}/` }))

export default defineConfig({
  title: 'livesocket',
  description: 'A live connection that survives deploys',
  srcDir: '.pages',
  outDir: 'dist',
  head: [['link', { rel: 'icon', href: 'data:,' }]],
  cleanUrls: true,
  // A dead link fails the build, except links to servers that the reader starts on localhost.
  ignoreDeadLinks: 'localhostLinks',
  markdown: {
    anchor: { slugify },
    // `{{` in inline code is text, not a Vue expression.
    config: (md) => void (md.renderer.rules['code_inline'] = codeInline),
  },
  themeConfig: {
    search: { provider: 'local' },
    nav: [
      { text: 'Guides', link: '/docs/quickstart' },
      { text: 'API', link: '/api/' },
      { text: 'Demo', link: '/demo' },
      { text: 'Fleet planner', link: '/planner' },
      { text: 'Stories', link: '/storybook/index.html', target: '_self' },
    ],
    sidebar: [
      { text: 'Start', items: [{ text: 'LiveSocket', link: '/' }, ...start.map(item)] },
      { text: 'Guides', items: [...guides, ...others.map((page) => [page.replaceAll('-', ' '), page])].map(item) },
      { text: 'Inside', items: internals.map(item) },
      { text: 'API', items: api },
    ],
  },
})

/** Makes the same anchors as GitHub, where the same pages are read. */
function slugify(heading: string): string {
  const kept = heading.trim().toLowerCase()
  return kept.replace(/[^\p{L}\p{N}\s_-]/gu, '').replace(/\s/g, '-')
}

function codeInline(tokens: { content: string }[], at: number): string {
  const text = tokens[at]!.content.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
  return `<code v-pre>${text}</code>`
}
