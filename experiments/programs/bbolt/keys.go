// keys FILE put KEY...   puts each key in a transaction of its own, and says so once it is committed
// keys FILE list         prints what is there
package main

import (
	"fmt"
	"os"

	bolt "go.etcd.io/bbolt"
)

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "keys:", err)
		os.Exit(1)
	}
}

func main() {
	db, err := bolt.Open(os.Args[1], 0600, nil)
	must(err)
	defer db.Close()
	bucket := []byte("keys")
	if os.Args[2] == "list" {
		must(db.View(func(tx *bolt.Tx) error {
			if tx.Bucket(bucket) == nil {
				return nil
			}
			return tx.Bucket(bucket).ForEach(func(key, value []byte) error {
				fmt.Printf("%s %s\n", key, value)
				return nil
			})
		}))
		return
	}
	for _, key := range os.Args[3:] {
		must(db.Update(func(tx *bolt.Tx) error {
			keys, err := tx.CreateBucketIfNotExists(bucket)
			if err != nil {
				return err
			}
			return keys.Put([]byte(key), []byte("1"))
		}))
		fmt.Println("kept", key)
	}
}
