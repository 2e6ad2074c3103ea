import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { mkdir, readdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, inject, it } from 'vitest'
import { ROOT } from '../kit/source-files.js'

const { bare } = inject('packed')
const run = promisify(execFile)

const { exports, peerDependencies, engines } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
  readonly exports: object
  readonly peerDependencies: Readonly<Record<string, string>>
  readonly engines: { readonly node: string }
}
const names = Object.keys(exports)
  .filter((subpath) => subpath !== './package.json')
  .map((subpath) => subpath.replace('.', 'livesocket'))

const quickstart = readFileSync(join(ROOT, 'docs/quickstart.md'), 'utf8')
/** What an entry needs beside the package, as the quickstart's table has it: "`react` 18 or 19". */
const needs = new Map(
  [...quickstart.matchAll(/^\| (`livesocket.*`) \| (`.*) \|$/gm)].flatMap(([, entries, need]) =>
    [...entries!.matchAll(/`([^`]+)`/g)].map(([, name]) => [name!, need!] as const),
  ),
)
const peerOf = (need: string) => /`(.*)`/.exec(need)![1]!
// Of a query client only the types are needed.
const peerless = names.filter((name) => !needs.has(name) || name === 'livesocket/query')

function load(name: string) {
  return run(process.execPath, ['--input-type=module', '-e', `await import('${name}')`], { cwd: bare, timeout: 20_000 })
}

it('the quickstart names every peer in the versions of package.json, and the oldest Node', () => {
  const said = [...needs.values()].map((need) => [peerOf(need), need.match(/(?<= )\d[\d.]*/g)])
  const told = Object.entries(peerDependencies).map(([peer, range]) => [
    peer,
    range.split(' || ').map((version) => version.slice(1).replace(/(\.0)+$/, '')),
  ])
  expect(Object.fromEntries(said)).toEqual(Object.fromEntries(told))
  expect(quickstart).toContain(`Node ${engines.node.slice(2)} to`)
})

it.each(peerless)('%s loads without any optional peer', async (name) => {
  const modules = await readdir(join(bare, 'node_modules'))
  expect(modules).not.toContain('ws')
  expect(modules).not.toContain('react')
  await load(name)
})

it.each(names.filter((name) => !peerless.includes(name)))(
  '%s names its missing package, as the quickstart does',
  async (name) => {
    await expect(load(name)).rejects.toThrow(`Cannot find package '${peerOf(needs.get(name)!)}'`)
  },
)

it('a server type-checks, including declarations of packages, with no other types than those of Node', async () => {
  const folder = join(bare, 'typed-server')
  await mkdir(join(folder, 'node_modules/@types'), { recursive: true })
  await symlink(join(ROOT, 'node_modules/@types/node'), join(folder, 'node_modules/@types/node'), 'dir')
  await writeFile(join(folder, 'package.json'), '{ "type": "module" }')
  await writeFile(
    join(folder, 'server.ts'),
    "import { createLiveServer } from 'livesocket/server'\nexport const live = createLiveServer({ port: 0, authenticate: () => null })\n",
  )
  const args = '--noEmit --strict --target es2022 --module nodenext --types node --skipLibCheck false server.ts'
  await run(join(ROOT, 'node_modules/.bin/tsc'), args.split(' '), { cwd: folder }).catch(
    ({ stdout }: { stdout: string }) => {
      throw new Error(stdout)
    },
  )
})
