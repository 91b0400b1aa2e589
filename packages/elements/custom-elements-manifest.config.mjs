/** How the manifest is made: the same on every machine, and without the tests' doubles. */
// oxlint-disable-next-line import/no-default-export -- the analyzer takes its configuration in no other form
export default {
  litelement: true,
  globs: ['src/**/*.ts'],
  exclude: ['src/**/*.test.ts', 'src/testing/**'],
  // Or the analyzer would write where it put the file into package.json.
  packagejson: false,
  plugins: [
    {
      name: 'order',
      // The order in which a disk lists its files is not ours to promise.
      packageLinkPhase: ({ customElementsManifest }) => customElementsManifest.modules.sort((a, b) => (a.path < b.path ? -1 : 1)),
    },
  ],
}
