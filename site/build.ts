import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { deadLinks } from './dead-links.js'
import { recordDemo } from './record-demo.js'

/*
 * npm run site: README and docs, an API reference from the docstrings, the stories with the fleet planner, and the demo
 * recorded through a deploy, as one static site in site/dist. A warning of the reference or a dead link fails the build.
 * `-- --without-stories` leaves out the stories, which take longest.
 */
const site = import.meta.dirname
const root = resolve(site, '..')
const pages = join(site, '.pages')
const run = (program: string, args: string[], cwd: string) => execFileSync(program, args, { cwd, stdio: 'inherit' })

if (!existsSync(join(site, 'node_modules'))) run('npm', ['ci', '--no-audit', '--no-fund'], site)
rmSync(pages, { recursive: true, force: true })
mkdirSync(join(pages, 'public'), { recursive: true })
cpSync(join(root, 'docs'), join(pages, 'docs'), { recursive: true })

for (const name of readdirSync(join(pages, 'docs')).filter((name) => name.endsWith('.md'))) {
  const page = join(pages, 'docs', name)
  writeFileSync(page, readFileSync(page, 'utf8').replaceAll('](../README.md', '](../index.md'))
}

// The README is the front page. Each file outside docs/ that it links to gets its own page.
writeFileSync(join(pages, 'index.md'), readFileSync(join(root, 'README.md'), 'utf8'))
for (const name of ['CONTRIBUTING', 'CHANGELOG', 'SECURITY'])
  writeFileSync(join(pages, `${name}.md`), readFileSync(join(root, `${name}.md`), 'utf8'))

cpSync(join(root, 'examples/chat/README.md'), join(pages, 'examples/chat/README.md'))
cpSync(join(site, 'pages'), pages, { recursive: true })
await recordDemo(pages)

const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  exports: Record<string, string | { types: string }>
}
const entries = Object.values(exports).flatMap((target) =>
  typeof target === 'string' ? [] : [join(root, target.types.replace('./dist/', 'src/').replace('.d.ts', '.ts'))],
)
run(
  'npx',
  [
    'typedoc',
    '--options',
    'typedoc.json',
    '--out',
    join(pages, 'api'),
    ...entries.flatMap((entry) => ['--entryPoints', entry]),
  ],
  site,
)

const stories = join(pages, 'public/storybook')
if (process.argv.includes('--without-stories')) {
  mkdirSync(stories)
  writeFileSync(join(stories, 'index.html'), '<p>Built without the stories.</p>')
} else run('npx', ['storybook', 'build', '-o', stories, '--disable-telemetry', '--quiet'], root)

run('npx', ['vitepress', 'build'], site)
const { dead, checked } = deadLinks(join(site, 'dist'))
for (const link of dead) console.error(`dead: ${link}`)
if (dead.length > 0) process.exitCode = 1
console.log(`${checked} links of the site to itself checked, ${dead.length} dead.`)
console.log(
  `${readdirSync(join(site, 'dist')).length} entries in site/dist; \`npx vitepress preview site\` shows them.`,
)
