import { join } from 'node:path'
import { build } from 'vite'
import { expect, test } from 'vitest'
import { ROOT } from '../kit/source-files.js'

interface Built {
  readonly output: readonly {
    readonly fileName: string
    readonly moduleIds?: readonly string[]
    readonly source?: string | Uint8Array
  }[]
}

// The third build, for Node, shares the folder `dist/packages` with the script tag's build.
test.each(['vite.production.config.ts', 'vite.global.config.ts'])(
  'for every package that %s compiles in, our package contains the licence with its copyright',
  async (config) => {
    const built = await build({
      root: ROOT,
      configFile: join(ROOT, config),
      logLevel: 'silent',
      build: { write: false },
    })
    const { output } = (built as unknown as readonly Built[])[0]!
    const compiled = new Set(
      output.flatMap(({ moduleIds = [] }) =>
        moduleIds.flatMap((id) => /\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(id)?.[1] ?? []),
      ),
    )
    expect(compiled).toContain('reconnecting-websocket')
    for (const name of compiled) {
      const licence = output.find(({ fileName }) => fileName === `packages/${name}/LICENSE`)
      expect(String(licence?.source), name).toMatch(/Copyright[^]+Permission is hereby granted/)
    }
  },
)
