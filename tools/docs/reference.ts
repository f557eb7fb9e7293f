/**
 * Writes the reference of every package that can be imported, from its sources: a folder for each, a page for each entry.
 *
 *   node tools/docs/reference.ts            to docs/reference
 *   node tools/docs/reference.ts DIRECTORY  to another place, as the test does that compares the two
 */
import { globSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { Application, ReflectionKind, type CommentTag, type Reflection } from 'typedoc'
import { load, ModuleRouter, type PluginOptions } from 'typedoc-plugin-markdown'
import { writeConfigurationReference } from './configuration.ts'

const root = join(import.meta.dirname, '../..')

interface Manifest {
  readonly name: string
  readonly exports?: Readonly<Record<string, { readonly types: string }>>
}

/** The source of each entry, and the name that it is imported by. */
const entries = new Map(
  globSync('packages/*/package.json', { cwd: root })
    .sort()
    .flatMap((path) => {
      // The tests of packaging check what is read of it.
      const { name, exports = {} } = JSON.parse(readFileSync(join(root, path), 'utf8')) as Manifest
      return Object.entries(exports).map(([subpath, { types }]) => {
        const source = types.replace('./dist/', '../src/').replace('.d.ts', '.ts')
        return [resolve(root, path, source), name + subpath.slice(1)] as const
      })
    }),
)

/** `resource-server/README.md` for `@mcp-doorman/resource-server`, `resource-server/web.md` for what is below it. */
class EntryRouter extends ModuleRouter {
  override getIdealBaseName(reflection: Reflection): string {
    if (!reflection.kindOf(ReflectionKind.Module)) return super.getIdealBaseName(reflection)
    const [, folder = '', page = 'README'] = reflection.name.split('/')
    return `${folder}/${page}`
  }
}

/** TypeDoc reads the class of an error, which stands in braces, and the pages would leave it out. */
function tellErrorClass({ typeAnnotation, content }: CommentTag): void {
  if (typeAnnotation === undefined) return
  content.unshift(
    { kind: 'code', text: typeAnnotation.replace(/^\{(.*)\}$/, '`$1`') },
    { kind: 'text', text: ' ' },
  )
}

const markdown: Partial<PluginOptions> = {
  mergeReadme: true,
  hidePageHeader: true,
  hideBreadcrumbs: true,
  useCodeBlocks: true,
  // What a renderer makes of a heading is not always what links to it say.
  useHTMLAnchors: true,
  parametersFormat: 'table',
}
const out = process.argv[2] ?? join(root, 'docs/reference')
const app = await Application.bootstrapWithPlugins({
  ...markdown,
  plugin: [load, ({ renderer }) => renderer.defineRouter('entry', EntryRouter)],
  router: 'entry',
  entryPoints: [...entries.keys()],
  tsconfig: join(import.meta.dirname, 'tsconfig.json'),
  readme: join(import.meta.dirname, 'introduction.md'),
  out,
  preservedTypeAnnotationTags: ['@throws'],
  groupOrder: ['Functions', 'Classes', 'Variables', '*'],
  // Lines and commits would change a page with every change of its source.
  disableSources: true,
  // What a type inherits from Node is told there.
  excludeExternals: true,
  logLevel: 'Warn',
})

const named = (app.getEntryPoints() ?? []).map((entry) => ({
  ...entry,
  displayName: entries.get(resolve(entry.sourceFile.fileName)) ?? entry.displayName,
}))
const project = app.converter.convert(named)
for (const { comment } of Object.values(project.reflections)) comment?.blockTags.forEach(tellErrorClass)
app.validate(project)
await app.generateOutputs(project)
writeConfigurationReference(out)
if (app.logger.hasErrors() || app.logger.hasWarnings()) process.exit(1)
