import { execFile } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { build, type Rolldown } from 'vite'
import { describe, expect, inject, it } from 'vitest'
import { listFiles, ROOT } from '../kit/source-files.js'

const packed = inject('packed')
const run = promisify(execFile)

const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
  exports: Record<string, string | { types: string; development?: string; node?: string; default: string }>
}
const targets = Object.entries(manifest.exports).flatMap(([subpath, target]) =>
  typeof target === 'string' ? [] : [{ name: subpath.replace('.', 'livesocket'), ...target }],
)
const names = targets.map(({ name }) => name)

/** Runs a tool of this repository; what it prints is the error when it fails. */
async function tool(name: string, args: string[], cwd = ROOT): Promise<string> {
  const path = join(ROOT, 'node_modules', '.bin', name)
  return run(path, args, { cwd, shell: process.platform === 'win32' }).then(
    ({ stdout }) => stdout,
    ({ stdout, stderr }: { stdout: string; stderr: string }) => {
      throw new Error(`${name} ${args.join(' ')}\n${stdout}${stderr}`)
    },
  )
}

/** Runs a module in an application, with its own Node. */
async function script(folder: string, text: string): Promise<string> {
  const { stdout } = await run(process.execPath, ['--input-type=module', '-e', text], { cwd: folder, timeout: 20_000 })
  return stdout
}

describe('the packed package', () => {
  it('passes publint', async () => {
    await tool('publint', ['run', packed.tarball, '--strict'])
  })

  it('has types that every ESM resolution finds, according to attw', async () => {
    await tool('attw', [packed.tarball, '--profile', 'esm-only', '--no-color'])
  })

  it('holds what it needs and nothing else', () => {
    const others = packed.files.filter(
      (path) =>
        !/^(dist\/.*\.(js|js\.map|d\.ts)|dist\/(production\/)?packages\/[\w-]+\/LICENSE|dist\/production\/texts\.json|examples\/chat\/.*|docs\/.*\.(md|png|svg|json)|(README|CHANGELOG|CONTRIBUTING|SECURITY)\.md|LICENSE|package\.json)$/.test(
          path,
        ),
    )
    expect(others).toEqual([])
    expect(packed.files.filter((path) => path.startsWith('examples/')).sort()).toEqual(
      listFiles('examples/chat', /\.\w+$/)
        .filter((path) => !/^(dist|node_modules)\//.test(path))
        .map((path) => `examples/chat/${path}`),
    )
    expect(packed.files).toEqual(expect.arrayContaining(['README.md', 'docs/quickstart.md', 'LICENSE']))
    for (const target of targets)
      expect(packed.files).toEqual(expect.arrayContaining([target.types.slice(2), target.default.slice(2)]))
  })

  it('has a README that names exactly its subpaths', () => {
    const readme = readFileSync(join(ROOT, 'README.md'), 'utf8')
    const named = new Set([...readme.matchAll(/['"`](livesocket(?:\/[a-z]+)*)['"`]/g)].map(([, name]) => name!))
    expect([...named].sort()).toEqual([...names].sort())
  })

  it('has the same names in tsconfig.json, for the editor and for tsx', () => {
    const { compilerOptions } = JSON.parse(readFileSync(join(ROOT, 'tsconfig.json'), 'utf8')) as {
      compilerOptions: { paths: Record<string, string[]> }
    }
    expect(Object.keys(compilerOptions.paths)).toEqual(expect.arrayContaining(names))
  })

  it("keeps 'use client' where it was written", () => {
    const marked = listFiles('src', /\.tsx?$/).filter((path) =>
      /^['"]use client['"]/m.test(readFileSync(join(ROOT, 'src', path), 'utf8')),
    )
    const lost = marked
      .map((path) => join(ROOT, 'dist', path.replace(/\.tsx?$/, '.js')))
      .filter((path) => existsSync(path) && !readFileSync(path, 'utf8').startsWith('"use client"'))
    expect(lost).toEqual([])
  })
})

describe('the two builds', () => {
  const twofold = targets.filter(({ development }) => development !== undefined)

  it('are selected by conditions for every entry that a page can load, and Node gets the one of the server', () => {
    expect(twofold.map(({ name }) => name).sort()).toEqual(
      names.filter((name) => !name.startsWith('livesocket/server')).sort(),
    )
    for (const { types, development, node, default: production } of twofold) {
      expect(node).toBe(development)
      expect(development).toBe(types.replace(/\.d\.ts$/, '.js'))
      expect(production).toBe(development!.replace('./dist/', './dist/production/'))
      expect(packed.files).toEqual(expect.arrayContaining([development!.slice(2), production.slice(2)]))
    }
  })

  it('share one error class between client and server in Node', async () => {
    const printed = await script(
      packed.full,
      `
      const { LiveSocketError, createLiveSocket } = await import('livesocket')
      try { createLiveSocket({ url: 'wss://h', connectTimeout: -1 }) } catch (error) { console.log(error instanceof LiveSocketError, error.message) }
      console.log(import.meta.resolve('livesocket').endsWith('dist/index.js'), import.meta.resolve('livesocket/react').endsWith('dist/react/index.js'))
      `,
    )
    expect(printed.trim().split('\n')).toEqual([
      'true connectTimeout must be a number of milliseconds from 1 to 34560000000; it was -1.',
      'true true',
    ])
  })

  /** All that an application can import for a page, in one bundle. */
  const everything = twofold.map(({ name }, at) => `export * as part${at} from '${name}'`).join('\n')

  it.each([
    ['production', 'production/'],
    ['development', ''],
  ])('are never mixed in a page: Vite uses the one for %s', async (mode, folder) => {
    const entry = join(packed.full, `page-${mode}.js`)
    await writeFile(entry, everything)
    const [output] = (await build({
      root: packed.full,
      configFile: false,
      logLevel: 'silent',
      mode,
      resolve: { conditions: ['module', 'browser', mode] },
      build: {
        write: false,
        minify: false,
        lib: { entry, formats: ['es'], fileName: 'page' },
        rolldownOptions: { external: /^react/ },
      },
    })) as Rolldown.RolldownOutput[]
    const modules = output!.output
      .flatMap((file) => (file.type === 'chunk' ? file.moduleIds : []))
      .filter((id) => id.includes('node_modules/livesocket/dist/'))
      .map((id) => id.replace(/.*livesocket\/dist\//, ''))
    expect(modules.length).toBeGreaterThan(50)
    expect(modules.filter((id) => id.startsWith('production/') !== (folder !== ''))).toEqual([])
  })

  it('let livesocket explain spell out the brief texts of the production build', async () => {
    const page = join(packed.full, 'short.js')
    await writeFile(page, "export { createLiveSocket } from 'livesocket'\n")
    const [output] = (await build({
      root: packed.full,
      configFile: false,
      logLevel: 'silent',
      // A test run is no production to Vite.
      resolve: { conditions: ['module', 'browser', 'production'] },
      build: { write: false, lib: { entry: page, formats: ['es'], fileName: 'short' } },
    })) as Rolldown.RolldownOutput[]
    await writeFile(join(packed.full, 'short.mjs'), output!.output[0].code)
    const short = await script(
      packed.full,
      `
      const { createLiveSocket } = await import('./short.mjs')
      try { createLiveSocket({ url: 'wss://h', connectTimeout: -1 }) } catch (error) { console.log(error.code, error.message) }
      `,
    )
    expect(short.trim()).toMatch(/^invalid invalid connectTimeout must be #\w{3}\(1, \d+\); it was -1\.$/)
    const { stdout } = await run(join(packed.full, 'node_modules/.bin/livesocket'), ['explain', short.trim()], {
      shell: process.platform === 'win32',
    })
    expect(stdout).toContain('connectTimeout must be a number of milliseconds from 1 to 34560000000; it was -1.')
  })
})

describe('an application that has installed the package', () => {
  it.each(names)('imports %s in Node', async (name) => {
    expect((await script(packed.full, `console.log(Object.keys(await import('${name}')).length)`)).trim()).not.toBe('0')
  })

  it.each(names)(
    'imports %s without side effects: no timer, no socket, no listener, no global, and the program ends',
    async (name) => {
      await script(
        packed.full,
        `
      const poisoned = ['setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask', 'fetch', 'BroadcastChannel', 'MessageChannel', 'addEventListener', 'WebSocket', 'localStorage', 'document']
      const peers = await Promise.all(['ws', 'react', 'react-dom', 'redis'].map((peer) => import(peer).catch(() => null)))
      for (const key of poisoned) {
        Object.defineProperty(globalThis, key, { configurable: true, get() { throw new Error('the import touched ' + key) } })
      }
      Date.now = performance.now = () => { throw new Error('the import read the clock') }
      const before = Reflect.ownKeys(globalThis)
      const listening = () => process.eventNames().reduce((sum, name) => sum + process.listenerCount(name), 0)
      const listeners = listening()
      await import('${name}')
      const added = Reflect.ownKeys(globalThis).filter((key) => !before.includes(key))
      if (added.length > 0) throw new Error('the import added ' + added.map(String))
      if (listening() !== listeners) throw new Error('the import listens to the process')
      `,
      )
    },
  )

  it.each(['nodenext', 'bundler'])(
    'type-checks against its declarations, strictly and with those checked too (%s)',
    async (resolution) => {
      const folder = join(packed.full, resolution)
      await mkdir(folder)
      const compilerOptions = {
        strict: true,
        noEmit: true,
        target: 'es2022',
        // As the templates of Vite and others have it: no more than the target.
        lib: ['es2022', 'dom', 'dom.iterable'],
        module: resolution === 'nodenext' ? 'nodenext' : 'esnext',
        moduleResolution: resolution,
        jsx: 'react-jsx',
        skipLibCheck: false,
      }
      const everything = names
        .map((name, index) => `import * as part${index} from '${name}'\nexport { part${index} }`)
        .join('\n')
      const browser = `
      import { createLiveSocket, type LiveSocket } from 'livesocket'
      interface Topics { ticks: { price: number } }
      const socket: LiveSocket<Topics> = createLiveSocket<Topics>({ url: 'wss://example.test/live' })
      socket.subscribe('ticks', (data, { offset }) => { const price: number = data.price; void [price, offset] })
      // @ts-expect-error: a topic that is not in Topics
      socket.subscribe('tocks', () => {})
      // @ts-expect-error: data that the topic does not have
      void socket.publish('ticks', { price: 'high' })
    `
      const projects = [
        { name: 'everything', text: everything, types: ['node'] },
        // An application in a browser has no types of Node.
        { name: 'browser', text: browser, types: [] },
      ]
      for (const { name, text, types } of projects) {
        await writeFile(join(folder, `${name}.ts`), text)
        await writeFile(
          join(folder, `tsconfig.${name}.json`),
          JSON.stringify({ compilerOptions: { ...compilerOptions, types }, files: [`${name}.ts`] }),
        )
        await tool('tsc', ['-p', `tsconfig.${name}.json`], folder)
      }
    },
  )

  it('gets a core without React, ws and Node when it bundles for browsers, and the bundle dials', async () => {
    const entry = join(packed.bare, 'bundled.js')
    await writeFile(entry, "export { createLiveSocket } from 'livesocket'\n")
    const output = (await build({
      root: packed.bare,
      configFile: false,
      logLevel: 'silent',
      build: { write: false, minify: false, lib: { entry, formats: ['es'], fileName: 'bundle' } },
    })) as Rolldown.RolldownOutput[]
    const [chunk] = output[0]!.output
    const modules = chunk.moduleIds.map((id) => id.split('node_modules/').at(-1)!)
    expect(modules.filter((id) => /^(react|react-dom|ws|redis)\//.test(id))).toEqual([])
    expect([...chunk.imports, ...chunk.dynamicImports]).toEqual([])

    await writeFile(join(packed.bare, 'bundle.mjs'), chunk.code)
    const printed = await script(
      packed.bare,
      `
      const { createLiveSocket } = await import('./bundle.mjs')
      class WebSocket extends EventTarget {
        static CLOSING = 2
        constructor(url) { super(); console.log('dialled', url); process.exit() }
      }
      createLiveSocket({ url: 'wss://example.test/live', environment: { WebSocket } }).connect()
      `,
    )
    expect(printed.trim()).toBe('dialled wss://example.test/live')
  })
})
