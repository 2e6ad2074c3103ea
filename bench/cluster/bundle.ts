import { readFileSync } from 'node:fs'
import { mkdtemp, mkdir, rm } from 'node:fs/promises'
import { isAbsolute, join, resolve } from 'node:path'
import { build } from 'vite'

const root = resolve(import.meta.dirname, '../..')

/**
 * The programs of the cluster drive, built as the package is: compiling TypeScript at run time would count as the
 * server's memory.
 */
export interface Bundle {
  readonly node: string
  readonly dotnetNode: string
  readonly clients: string
  readonly bare: string
  readonly sockets: string
  remove(): Promise<void>
}

export async function bundlePrograms(): Promise<Bundle> {
  const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    exports: Record<string, string | { types: string }>
  }
  const alias = Object.entries(exports).flatMap(([subpath, target]) =>
    typeof target === 'string'
      ? []
      : [
          {
            find: new RegExp(`^${subpath.replace(/^\./, 'livesocket')}$`),
            replacement: join(root, target.types.replace(/^\.\/dist\/(.*)\.d\.ts$/, 'src/$1.ts')),
          },
        ],
  )
  // Inside the project, so that imports find its packages.
  const cache = join(root, 'node_modules/.cache')
  await mkdir(cache, { recursive: true })
  const outDir = await mkdtemp(join(cache, 'livesocket-cluster-'))
  const entry = Object.fromEntries(
    ['node', 'dotnet-node', 'clients', 'bare', 'sockets'].map((name) => [
      name,
      join(root, `bench/cluster/programs/${name}.ts`),
    ]),
  )
  await build({
    root,
    configFile: false,
    logLevel: 'error',
    resolve: { alias },
    build: {
      outDir,
      emptyOutDir: false,
      target: 'es2022',
      minify: false,
      lib: { entry, formats: ['es'], fileName: (_format, name) => `${name}.mjs` },
      rolldownOptions: {
        external: (id) =>
          !id.startsWith('.') && !id.startsWith('\0') && !isAbsolute(id) && !/^livesocket(\/|$)/.test(id),
      },
    },
  })
  return {
    node: join(outDir, 'node.mjs'),
    dotnetNode: join(outDir, 'dotnet-node.mjs'),
    clients: join(outDir, 'clients.mjs'),
    bare: join(outDir, 'bare.mjs'),
    sockets: join(outDir, 'sockets.mjs'),
    remove: () => rm(outDir, { recursive: true, force: true }),
  }
}
