import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Plugin } from 'vite'

const PACKAGE = /^.*\/node_modules\/((?:@[^/]+\/)?[^/]+)(?=\/)/

/**
 * Distributing a package's code requires its licence: this writes the licence of each compiled package beside the code.
 */
export function licences(): Plugin {
  return {
    name: 'licences',
    generateBundle(_options, bundle) {
      const folders = new Map<string, string>()
      for (const file of Object.values(bundle))
        for (const id of file.type === 'chunk' ? file.moduleIds : []) {
          const [folder, name] = PACKAGE.exec(id) ?? []
          if (name) folders.set(name, folder!)
        }
      for (const [name, folder] of folders)
        this.emitFile({
          type: 'asset',
          fileName: `packages/${name}/LICENSE`,
          source: readFileSync(join(folder, 'LICENSE'), 'utf8'),
        })
    },
  }
}
