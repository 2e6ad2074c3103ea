import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { command } from '../../src/cli/command.js'
import { ROOT } from '../kit/source-files.js'

function place() {
  const home = mkdtempSync(join(tmpdir(), 'livesocket-init-'))
  onTestFinished(() => rmSync(home, { recursive: true, force: true }))
  const lines: string[] = []
  const init = (...words: string[]) =>
    command(['init', ...words], {
      WebSocket: undefined,
      environment: {},
      texts: () => ({}),
      example: { template: join(ROOT, 'examples/chat'), version: '3.2.1' },
      print: (line) => lines.push(line),
      shell: async () => undefined,
    })
  return { home, init, said: () => lines.join('\n') }
}

describe('livesocket init', () => {
  it('copies the example into a folder, names the application after it, and asks for this version', async () => {
    const { home, init, said } = place()
    const folder = join(home, 'My Rooms')
    expect(await init(folder)).toBe(0)
    expect(said()).toContain(`cd "${folder}"\n  npm install`)
    expect(readdirSync(folder).sort()).toEqual(
      ['README.md', 'index.html', 'package.json', 'server', 'src', 'tsconfig.json', 'vite.config.ts'].sort(),
    )
    const { name, dependencies } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
      name: string
      dependencies: Record<string, string>
    }
    expect([name, dependencies['livesocket']]).toEqual(['my-rooms', '^3.2.1'])
  })

  it('changes nothing in a folder that is not empty', async () => {
    const { home, init, said } = place()
    writeFileSync(join(home, 'mine.txt'), 'mine')
    expect(await init(home)).toBe(2)
    expect(said()).toContain('is not empty')
    expect(readdirSync(home)).toEqual(['mine.txt'])
  })

  it('says which arguments it takes, and where it cannot write', async () => {
    const { home, init, said } = place()
    expect(await init('a', 'b')).toBe(2)
    expect(await init('--force')).toBe(2)
    writeFileSync(join(home, 'file'), '')
    expect(await init(join(home, 'file', 'below'))).toBe(2)
    expect(said()).toMatch(/takes the name of a folder[^]*cannot be written/)
  })

  it('uses the versions of packages that are tested here', () => {
    const read = (path: string) =>
      JSON.parse(readFileSync(join(ROOT, path), 'utf8')) as Record<string, Record<string, string>>
    const { dependencies, devDependencies } = read('examples/chat/package.json')
    const ours = read('package.json')['devDependencies']!
    for (const [name, range] of Object.entries({ ...dependencies, ...devDependencies }))
      if (name !== 'livesocket') expect([name, range]).toEqual([name, `^${ours[name]}`])
  })
})
