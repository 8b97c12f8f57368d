MASTER_KEY=$(npm run --silent master-key)
KEY=$(curl -s http://127.0.0.1:3000/key/generate -H "Authorization: Bearer $MASTER_KEY" -H 'content-type: application/json' -d '{"models":["echo"]}' | sed 's/.*"key":"\([^"]*\)".*/\1/')
curl http://127.0.0.1:3000/v1/models -H "Authorization: Bearer $KEY"
curl http://127.0.0.1:3000/v1/chat/completions -H "Authorization: Bearer $KEY" -H 'content-type: application/json' -d '{"model":"echo","messages":[{"role":"user","content":"Hello"}]}'
