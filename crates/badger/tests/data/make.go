// Makes the directories that are archived here (`make levels DIR`, ..., `make big DIR kill`), and dumps what
// Badger itself reads of one (`make dump DIR`). Needs github.com/dgraph-io/badger/v4 v4.7.0.
//
//go:build ignore

package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math/rand"
	"os"
	"strconv"
	"time"

	badger "github.com/dgraph-io/badger/v4"
	"github.com/dgraph-io/badger/v4/options"
)

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func dump(dir string) {
	db, err := badger.Open(badger.DefaultOptions(dir).WithLogger(nil))
	must(err)
	defer db.Close()
	must(db.View(func(txn *badger.Txn) error {
		it := txn.NewIterator(badger.DefaultIteratorOptions)
		defer it.Close()
		for it.Rewind(); it.Valid(); it.Next() {
			item := it.Item()
			must(item.Value(func(v []byte) error {
				sum := sha256.Sum256(v)
				fmt.Printf("%s %d %s\n", hex.EncodeToString(item.Key()), len(v), hex.EncodeToString(sum[:]))
				return nil
			}))
		}
		return nil
	}))
}

func fill(db *badger.DB, seed int64, rounds, keys, maxVal int) {
	r := rand.New(rand.NewSource(seed))
	for round := 0; round < rounds; round++ {
		for i := 0; i < keys; {
			must(db.Update(func(txn *badger.Txn) error {
				for n := 1 + r.Intn(4); n > 0; n-- {
					part := fmt.Sprintf("part-%d", r.Intn(7))
					key := []byte(fmt.Sprintf("%s/object/%06d", part, r.Intn(keys)))
					i++
					switch r.Intn(20) {
					case 0, 1:
						must(txn.Delete(key))
					case 2:
						must(txn.SetEntry(badger.NewEntry(key, []byte("gone")).WithTTL(time.Second)))
					case 3:
						must(txn.SetEntry(badger.NewEntry(key, []byte("lasting")).WithTTL(100 * 365 * 24 * time.Hour)))
					case 4:
						must(txn.SetEntry(badger.NewEntry(key, []byte("marked")).WithDiscard().WithMeta(7)))
					case 5:
						must(txn.Set(key, []byte{}))
					default:
						n := r.Intn(120)
						if maxVal > 0 && r.Intn(120) == 0 {
							n = maxVal + r.Intn(maxVal)
						}
						v := make([]byte, n)
						for j := range v {
							v[j] = byte('a' + r.Intn(4))
						}
						must(txn.Set(key, v))
					}
				}
				return nil
			}))
		}
	}
}

func main() {
	dir := os.Args[2]
	opts := badger.DefaultOptions(dir).WithLogger(nil)
	small := opts.WithMemTableSize(1 << 15).WithBaseTableSize(1 << 13).WithBaseLevelSize(1 << 15).
		WithValueThreshold(1500).WithValueLogFileSize(1 << 20).WithNumLevelZeroTables(2).WithNumLevelZeroTablesStall(4)
	switch os.Args[1] {
	case "dump":
		dump(dir)
	case "levels", "killed":
		db, err := badger.Open(small)
		must(err)
		fill(db, 1, 6, 900, 1600)
		if os.Args[1] == "killed" {
			os.Exit(0)
		}
		must(db.Close())
	case "big": // lakeFS's options, values of more than 1 MiB
		db, err := badger.Open(opts)
		must(err)
		for i := 0; i < 3; i++ {
			must(db.Update(func(txn *badger.Txn) error {
				v := make([]byte, (1<<20)+i*1000)
				for j := range v {
					v[j] = byte(i + j/5000)
				}
				return txn.Set([]byte("big/"+strconv.Itoa(i)), v)
			}))
		}
		must(db.Update(func(txn *badger.Txn) error { return txn.Set([]byte("big/small"), []byte("v")) }))
		if len(os.Args) > 3 {
			os.Exit(0)
		}
		must(db.Close())
	case "encrypted":
		db, err := badger.Open(opts.WithEncryptionKey([]byte("0123456789abcdef")).WithIndexCacheSize(1 << 20))
		must(err)
		must(db.Update(func(txn *badger.Txn) error { return txn.Set([]byte("a/b"), []byte("v")) }))
		must(db.Close())
	case "zstd":
		db, err := badger.Open(opts.WithCompression(options.ZSTD))
		must(err)
		must(db.Update(func(txn *badger.Txn) error { return txn.Set([]byte("a/b"), []byte("v")) }))
		must(db.Close())
	case "none":
		db, err := badger.Open(opts.WithCompression(options.None))
		must(err)
		must(db.Update(func(txn *badger.Txn) error { return txn.Set([]byte("a/b"), []byte("v")) }))
		must(db.Close())
	case "merge":
		db, err := badger.Open(opts)
		must(err)
		m := db.GetMergeOperator([]byte("a/b"), func(o, n []byte) []byte { return append(o, n...) }, time.Hour)
		must(m.Add([]byte("1")))
		must(m.Add([]byte("2")))
		must(db.Update(func(txn *badger.Txn) error { return txn.Set([]byte("a/c"), []byte("v")) }))
		os.Exit(0)
	}
}
