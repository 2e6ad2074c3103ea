import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { ROOT } from './root.js'

/** The package as npm would publish it, built anew: the path of its file in `folder`. */
export function packInto(folder: string): string {
  const { status, stdout, stderr } = spawnSync('npm', ['pack', '--json', '--pack-destination', folder], {
    cwd: ROOT,
    encoding: 'utf8',
  })
  if (status !== 0) throw new Error(stderr)
  // Before the JSON the build says what it builds.
  const [{ filename }] = JSON.parse(stdout.slice(stdout.lastIndexOf('\n[') + 1)) as [{ filename: string }]
  return join(folder, filename)
}
