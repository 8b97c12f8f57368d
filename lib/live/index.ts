export { credentialsRejected } from '../core/errors/credentials-rejected';
