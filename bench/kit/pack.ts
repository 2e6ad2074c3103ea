import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { ROOT } from './root.js'

/** Builds and packs the package as npm would publish it. Returns the path of the file in `folder`. */
export function packInto(folder: string): string {
  const { status, stdout, stderr } = spawnSync('npm', ['pack', '--json', '--pack-destination', folder], {
    cwd: ROOT,
    encoding: 'utf8',
  })
  if (status !== 0) throw new Error(stderr)
  // npm prints the output of the build before the JSON.
  const [{ filename }] = JSON.parse(stdout.slice(stdout.lastIndexOf('\n[') + 1)) as [{ filename: string }]
  return join(folder, filename)
}
