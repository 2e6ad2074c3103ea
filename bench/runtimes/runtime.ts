/** A JavaScript runtime with sockets, installed from npm at a fixed version. */
export interface Runtime {
  readonly name: string
  /** The package that npm installs, and the name that it gets. */
  readonly package: string
  /** The command before the script, relative to the folder of the installation. */
  readonly command: readonly string[]
}

const node = (version: string): Runtime => {
  const name = `node${version.split('.')[0]}`
  return {
    name: `Node ${version}`,
    package: `${name}@npm:node@${version}`,
    command: [`node_modules/${name}/bin/node`],
  }
}

/** The release lines of Node from the oldest supported to the newest, and the two other runtimes. */
export const RUNTIMES: readonly Runtime[] = [
  node('20.20.2'),
  node('22.23.3'),
  node('24.9.0'),
  node('26.10.0'),
  { name: 'Bun 1.4.5', package: 'bun@1.4.5', command: ['node_modules/.bin/bun'] },
  { name: 'Deno 2.9.6', package: 'deno@2.9.6', command: ['node_modules/.bin/deno', 'run', '-A'] },
]
