import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { packInto } from '../kit/pack.js'
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
await installBundlers(folder, packInto(folder), bundlers)
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
