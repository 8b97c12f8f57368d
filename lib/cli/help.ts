export const HELP = `Usage: nestjs-custom-secret-manager secret <command> --path FILE --key-file FILE

Commands:
  set NAME       stores a value: from standard input, or typed without echo
  get NAME       prints a value; asks first on a terminal
  list           prints names, versions and descriptions
  delete NAME    deletes a secret; asks first on a terminal

The store:
  --path FILE              the encrypted store; set makes a new one
  --key-file FILE          holds its key; made together with a new store
  --key-env VARIABLE       takes the key from an environment variable
  --passphrase-env VARIABLE
                           takes the passphrase from an environment variable

Options of set:
  --create-only            fails if the secret exists
  --description TEXT       is stored, sealed, with the secret
  --tag NAME=VALUE         is stored, sealed, with the secret; may be repeated
  --keep-trailing-newline  keeps the line break at the end of standard input
  --allow-empty            stores an empty value

Options of get and delete:
  --yes                    does not ask

Options of list:
  --json                   prints one JSON array

Options of delete:
  --recovery-window-days N
                           keeps the secret restorable for N days (default 7); 0 removes it at once

A value is never an argument: others could read it in the list of processes, and in your shell's history.
Exit codes: 0 success, 1 failure, 2 wrong arguments.
`;
