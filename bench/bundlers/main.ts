import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { BUNDLERS } from './bundlers.js'
import { installBundlers, useBundler, wanted } from './run-bundlers.js'

const { values } = parseArgs({ options: { only: { type: 'string', default: '' } } })
const bundlers = BUNDLERS.filter(({ name }) => name.toLowerCase().includes(values.only.toLowerCase()))
if (bundlers.length === 0) {
  console.error('npm run bundlers -- [--only metro]')
  process.exit(2)
}
const folder = mkdtempSync(join(tmpdir(), 'livesocket-bundlers-'))
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
const packed = spawnSync('npm', ['pack', '--json', '--pack-destination', folder], {
  cwd: resolve(import.meta.dirname, '../..'),
  encoding: 'utf8',
})
if (packed.status !== 0) throw new Error(packed.stderr)
const [{ filename }] = JSON.parse(packed.stdout.slice(packed.stdout.lastIndexOf('\n[') + 1)) as [{ filename: string }]
await installBundlers(folder, join(folder, filename), bundlers)
for (const bundler of bundlers) {
  const start = performance.now()
  const said = await useBundler(folder, bundler).catch((error: Error) => [error.message])
  const right = JSON.stringify(said) === JSON.stringify(wanted(bundler))
  if (!right) process.exitCode = 1
  const took = ((performance.now() - start) / 1000).toFixed(1)
  console.log(
    `${right ? '✓' : '✗'} ${bundler.name} ${took} s ${bundler.packages.join(' ')}${right ? '' : `\n${said.join('\n')}`}`,
  )
}
