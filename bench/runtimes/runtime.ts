/** What runs JavaScript with sockets, as npm brings it, at a version that is known. */
export interface Runtime {
  readonly name: string
  /** What npm installs, and under which name. */
  readonly package: string
  /** From the folder that it is installed in: the program and the words before a script. */
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

/** The lines of Node from the oldest that the package is for to the newest, and the two others. */
export const RUNTIMES: readonly Runtime[] = [
  node('20.20.2'),
  node('22.23.3'),
  node('24.9.0'),
  node('26.10.0'),
  { name: 'Bun 1.4.5', package: 'bun@1.4.5', command: ['node_modules/.bin/bun'] },
  { name: 'Deno 2.9.6', package: 'deno@2.9.6', command: ['node_modules/.bin/deno', 'run', '-A'] },
]
